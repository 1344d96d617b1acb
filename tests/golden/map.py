#!/usr/bin/env python3
"""rolebridgectl map draws the sample organisation: Graphviz takes the graph, and the picture has what it should.

Usage: map.py ROLEBRIDGECTL MAPPINGS
"""
import subprocess
import sys
import xml.etree.ElementTree as xml

SVG = "{http://www.w3.org/2000/svg}"
run = subprocess.run([sys.argv[1], "map", "--mappings", sys.argv[2], "--svg"], capture_output=True, text=True, timeout=60, check=False)
if run.returncode != 0:
    sys.exit(f"map ended with {run.returncode}: {run.stderr}")
root = xml.fromstring(run.stdout)
kinds = [group.get("class") for group in root.iter(f"{SVG}g")]
texts = {text.text for text in root.iter(f"{SVG}text")}
nodes, edges = kinds.count("node"), kinds.count("edge")
missing = {"IAM Administrator", "privileged: second factor", "corporate", "777788889999", "acme-developers"} - texts
if missing or nodes != 9 + 9 + 3 or edges != 9 + 14:
    sys.exit(f"{nodes} nodes, {edges} edges; not drawn: {sorted(missing)}")
print(f"map: {nodes} nodes, {edges} edges")
