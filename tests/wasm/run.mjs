// Runs the program; it imports nothing.
import { readFileSync } from "node:fs";

const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), {});
if (instance.exports.run() !== 1) {
    throw new Error("`run` did not come to its end");
}
