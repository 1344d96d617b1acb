"""docs/openapi.yaml and the routes name the same addresses: openapi.py ROUTE.C OPENAPI.YAML"""
import re
import sys

routes = open(sys.argv[1], encoding="utf-8").read()
spec = open(sys.argv[2], encoding="utf-8").read()
served = {p for p in re.findall(r'RB_SEEN_GET,\s+"([^"]+)"', routes) if p.startswith(("/api/", "/healthz", "/readyz", "/metrics"))}
described = set(re.findall(r"^  (/[^:\s]+):$", spec, re.M))
for path in sorted(served ^ described):
    print(f"{path}: " + ("not described in docs/openapi.yaml" if path in served else "described, but no route"))
names = set(re.findall(r'\$ref: "#/components/(?:schemas|responses)/(\w+)"', spec))
for name in sorted(n for n in names if not re.search(rf"^    {n}:$", spec, re.M)):
    print(f"{name}: referred to, not defined")
    served.add(name)
sys.exit(0 if served == described and len(served) >= 6 else 1)
