# The crates that build-cost.sh and chains.sh compare: how each is added and how a function is annotated. Sourced, with $root set.

dependency() { # VARIANT
    case "$1" in
    bare) echo '' ;;
    obs) echo "obs-runtime = { path = \"$root/obs-runtime\" }" ;;
    fastrace) echo 'fastrace = { version = "0.7.19", features = ["enable"] }' ;;
    tracing) echo 'tracing = "0.1.44"' ;;
    esac
}

attribute() { # VARIANT
    case "$1" in
    bare) echo '' ;;
    obs) echo '#[obs_runtime::traced]' ;;
    fastrace) echo '#[fastrace::trace]' ;;
    tracing) echo '#[tracing::instrument(skip_all)]' ;;
    esac
}

readonly VARIANTS="bare obs fastrace tracing"
