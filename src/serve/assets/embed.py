"""Files → C arrays: embed.py OUT.c OUT.h NAME=FILE… (a build step; the program reads no file for its pages)."""
import sys

out_c, out_h, *pairs = sys.argv[1:]
with open(out_c, "w", encoding="ascii") as c, open(out_h, "w", encoding="ascii") as h:
    h.write("#ifndef RB_SERVE_ASSETS_H\n#define RB_SERVE_ASSETS_H\n#include <stddef.h>\n")
    c.write('#include "serve/assets.h"\n')
    for pair in pairs:
        name, path = pair.split("=", 1)
        with open(path, "rb") as f:
            data = f.read()
        h.write(f"extern const unsigned char rb_asset_{name}[];\nextern const size_t rb_asset_{name}_size;\n")
        c.write(f"const unsigned char rb_asset_{name}[] = {{\n")
        for i in range(0, len(data), 16):
            c.write("    " + ", ".join(f"0x{byte:02x}" for byte in data[i:i + 16]) + ",\n")
        c.write(f"}};\nconst size_t rb_asset_{name}_size = sizeof rb_asset_{name};\n")
    h.write("#endif\n")
