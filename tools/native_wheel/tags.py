"""The platform tag that a shared object deserves."""

import re

# Libraries that every system has for which a manylinux wheel may be installed (PEP 600).
EVERYWHERE = {"libc.so.6", "libm.so.6", "libpthread.so.0", "ld-linux-x86-64.so.2"}


def platform_tag(headers: str, machine: str) -> str:
    """`manylinux_X_Y_<machine>` for the glibc that the object needs, from `objdump -p`.

    `linux_<machine>` if the object needs anything else: that it runs on other systems is not shown.
    """
    needed = set(re.findall(r"^\s*NEEDED\s+(\S+)", headers, re.MULTILINE))
    versions = re.findall(r"^\s*0x[0-9a-f]+ 0x[0-9a-f]+ \d+ (\S+)$", headers, re.MULTILINE)
    numbers = [re.fullmatch(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?", version) for version in versions]
    found = [(int(match[1]), int(match[2])) for match in numbers if match]
    if not needed <= EVERYWHERE or len(found) < len(versions) or not found:
        return f"linux_{machine}"
    major, minor = max(found)
    return f"manylinux_{major}_{minor}_{machine}"
