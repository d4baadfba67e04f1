"""Names of layers and blobs as Python identifiers."""

import keyword
import re
from collections.abc import Iterable

# What a torch.nn.Module has, so that no layer may have the name.
MODULE_NAMES = frozenset(
    """T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda
    double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter
    get_submodule half ipu load load_state_dict modules mtia named_buffers named_children
    named_modules named_parameters parameters register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ reset
    set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu
    zero_grad""".split()
)
# What a module uses itself, so that no variable of `forward` may have the name.
VARIABLE_NAMES = frozenset("Any F Net Path cls json math nn product self torch".split())


class Names:
    """Different identifiers for different names; `renamed` maps those that are not the name."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._by_name: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        if name not in self._by_name:
            made = free = identifier(name)
            number = 2
            while free in self._taken or keyword.iskeyword(free) or keyword.issoftkeyword(free):
                free = f"{made}_{number}"
                number += 1
            self._taken.add(free)
            self._by_name[name] = free
        return self._by_name[name]

    @property
    def renamed(self) -> dict[str, str]:
        return {made: name for name, made in self._by_name.items() if made != name}


def identifier(name: str) -> str:
    """`name` with what an identifier cannot have replaced: "3a/1x1" becomes "n3a_1x1"."""
    made = re.sub(r"\W", "_", name, flags=re.ASCII)
    return made if re.match(r"[A-Za-z]", made) else f"n{made}"
