"""Prices 200 usages with LiteLLM's own table and arithmetic: an oracle that shares no code with obs.

    pip install litellm==1.105.0
    python tests/oracle/litellm_prices.py > tests/corpus/litellm_prices.json

The usages have the shapes that providers report: plain, read from the cache, written to it for 5 minutes
and for an hour, reasoning, beyond the bound of long contexts, and the tiers flex and priority.
"""

import json
import os
from decimal import Decimal

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm
from litellm import cost_per_token
from litellm.types.utils import (
    CacheCreationTokenDetails,
    CompletionTokensDetailsWrapper,
    PromptTokensDetailsWrapper,
    Usage,
)

# Provider and model as obs is told them, and LiteLLM's name for the same.
MODELS = [
    ("openai", "gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
    ("openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini-2024-07-18"),
    ("openai", "gpt-4.1", "gpt-4.1"),
    ("openai", "gpt-4.1-mini", "gpt-4.1-mini"),
    ("openai", "gpt-4.1-nano", "gpt-4.1-nano"),
    ("openai", "o3", "o3"),
    ("openai", "o4-mini", "o4-mini"),
    ("openai", "gpt-5", "gpt-5"),
    ("openai", "gpt-5-mini", "gpt-5-mini"),
    ("openai", "gpt-5-nano", "gpt-5-nano"),
    ("anthropic", "claude-opus-4-5", "claude-opus-4-5"),
    ("anthropic", "claude-opus-4-6", "claude-opus-4-6"),
    ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5"),
    ("anthropic", "claude-sonnet-4-6", "claude-sonnet-4-6"),
    ("anthropic", "claude-haiku-4-5", "claude-haiku-4-5"),
    ("anthropic", "claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001"),
    ("gcp.gemini", "gemini-2.5-pro", "gemini/gemini-2.5-pro"),
    ("gcp.gemini", "gemini-2.5-flash", "gemini/gemini-2.5-flash"),
    ("gcp.gemini", "gemini-2.5-flash-lite", "gemini/gemini-2.5-flash-lite"),
    ("gcp.gemini", "gemini-3-flash-preview", "gemini/gemini-3-flash-preview"),
    ("mistral_ai", "mistral-large-latest", "mistral/mistral-large-latest"),
    ("mistral_ai", "mistral-small-latest", "mistral/mistral-small-latest"),
    ("groq", "openai/gpt-oss-120b", "groq/openai/gpt-oss-120b"),
    ("groq", "openai/gpt-oss-20b", "groq/openai/gpt-oss-20b"),
    ("deepseek", "deepseek-chat", "deepseek/deepseek-chat"),
    ("x_ai", "grok-4.3", "xai/grok-4.3"),
    ("openai", "text-embedding-3-small", "text-embedding-3-small"),
    ("openai", "text-embedding-3-large", "text-embedding-3-large"),
]


def shapes(provider, model):
    """The usages that this provider can report."""
    if model.startswith("text-embedding"):
        return [{"input": 8}, {"input": 8_191}, {"input": 120_000}]
    all = [
        {"input": 1, "output": 1},
        {"input": 1_234, "output": 567},
        {"input": 4_096, "output": 1},
        {"input": 98_765, "output": 4_321},
        {"input": 20_000, "output": 800, "cache_read": 16_384},
    ]
    if provider == "anthropic":
        all += [
            {"input": 30_000, "output": 900, "cache_read": 10_000, "cache_write_5m": 15_000},
            {"input": 30_000, "output": 900, "cache_write_1h": 20_000},
            {"input": 30_000, "output": 900, "cache_write_5m": 5_000, "cache_write_1h": 7_000},
            {"input": 190_000, "output": 1_500, "cache_read": 150_000},
        ]
    if provider == "openai":
        all += [{"input": 500, "output": 3_000, "reasoning": 2_560}]
        all += [{"input": 5_000, "output": 700, "tier": tier} for tier in ("flex", "priority")]
        all += [{"input": 9_000, "output": 700, "cache_read": 8_192, "tier": "priority"}]
    if provider == "gcp.gemini":
        all += [
            {"input": 500, "output": 3_000, "reasoning": 2_560},
            {"input": 250_000, "output": 2_000},
            {"input": 250_000, "output": 2_000, "cache_read": 100_000},
        ]
    return all


def dollars(name, shape):
    details = PromptTokensDetailsWrapper(cached_tokens=shape.get("cache_read", 0))
    written = [shape.get("cache_write_5m", 0), shape.get("cache_write_1h", 0)]
    if any(written):
        details.cache_creation_tokens = sum(written)
        details.cache_creation_token_details = CacheCreationTokenDetails(
            ephemeral_5m_input_tokens=written[0], ephemeral_1h_input_tokens=written[1]
        )
    usage = Usage(
        prompt_tokens=shape["input"],
        completion_tokens=shape.get("output", 0),
        total_tokens=shape["input"] + shape.get("output", 0),
        prompt_tokens_details=details,
        completion_tokens_details=CompletionTokensDetailsWrapper(
            reasoning_tokens=shape.get("reasoning", 0)
        ),
        cache_read_input_tokens=shape.get("cache_read", 0),
        cache_creation_input_tokens=sum(written),
    )
    call_type = "embedding" if name.startswith("text-embedding") else "completion"
    parts = cost_per_token(
        model=name, usage_object=usage, service_tier=shape.get("tier"), call_type=call_type
    )
    # The sum of floating-point numbers is rounded where no price has digits.
    return format(round(sum(Decimal(repr(part)) for part in parts), 12).normalize(), "f")


rows = []
for provider, model, name in MODELS:
    if name not in litellm.model_cost:
        raise SystemExit(f"LiteLLM does not know {name}")
    for shape in shapes(provider, model):
        rows.append({"provider": provider, "model": model, **shape, "usd": dollars(name, shape)})
print("[")
print(",\n".join(json.dumps(row) for row in rows))
print("]")
