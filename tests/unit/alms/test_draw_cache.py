"""The cache of many draws against transformers' own, which copies all of it at every token."""

import torch
from transformers.cache_utils import DynamicCache

from scaling_ambiguity.alms.draw_cache import RoomyLayer, spread


def _filled(layers: int = 2) -> DynamicCache:
    cache, stream = DynamicCache(), torch.Generator().manual_seed(3)
    for layer in range(layers):
        cache.update(*torch.randn(2, 2, 4, 5, 3, generator=stream), layer)
    return cache


def test_draws_that_grow_and_end_have_the_keys_and_values_of_the_growing_cache():
    ours, theirs, rows = _filled(), _filled(), torch.tensor([0, 0, 1, 1, 1])
    spread(ours, rows, 3)
    theirs.batch_select_indices(rows)
    assert all(isinstance(layer, RoomyLayer) for layer in ours.layers)
    stream = torch.Generator().manual_seed(4)
    for keep in ([0, 1, 2, 3, 4], [0, 2, 4], [2]):
        for cache in (ours, theirs):
            cache.batch_select_indices(torch.tensor(keep))
        for layer in range(2):
            states = torch.randn(2, len(keep), 4, 1, 3, generator=stream)
            for mine, other in zip(ours.update(*states, layer), theirs.update(*states, layer), strict=True):
                assert torch.equal(mine, other)
        assert ours.get_seq_length() == theirs.get_seq_length()
        assert ours.get_mask_sizes(1, 0) == theirs.get_mask_sizes(1, 0)


def test_a_token_is_written_in_place():
    cache = _filled(1)
    spread(cache, torch.tensor([0, 1]), 2)
    before = cache.layers[0].keys.data_ptr()
    cache.update(torch.ones(2, 4, 1, 3), torch.ones(2, 4, 1, 3), 0)
    assert cache.layers[0].keys.data_ptr() == before and cache.get_seq_length() == 6
