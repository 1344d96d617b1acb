"""Whether the arguments of every resource are those of the AWS provider's schema, as HashiCorp generated them into npm
@cdktf/provider-aws.

usage: terraform_arguments.py LIB FILE…      LIB: the package's lib folder; FILE: a main.tf.json
"""
import json
import pathlib
import re
import sys

LIB, FILES = pathlib.Path(sys.argv[1]), sys.argv[2:]
META = {"depends_on", "count", "for_each", "provider", "lifecycle"}
SIMPLE = {"string": str, "number": int, "string[]": list}


def schema(kind):
    """argument → (required, type) of aws_iam_role and the like."""
    text = (LIB / kind.removeprefix("aws_").replace("_", "-") / "index.d.ts").read_text()
    config = re.search(r"export interface \w+Config extends cdktf\.TerraformMetaArguments \{(.*?)\n\}", text, re.S).group(1)
    found = re.findall(r"#(\w+) \w+#\w+\}.*?\*/\s+readonly \w+(\??): ([^;{]*)", config, re.S)
    return {name: (not optional, kind.strip()) for name, optional, kind in found}


mistakes = checked = 0
for file in FILES:
    for kind, resources in json.loads(pathlib.Path(file).read_text())["resource"].items():
        known = schema(kind)
        for label, arguments in resources.items():
            checked += 1
            wrong = [name for name in arguments if name not in known and name not in META]
            wrong += [f"{name} is missing" for name, (required, _) in known.items() if required and name not in arguments]
            wrong += [f"{name} is no {known[name][1]}" for name, value in arguments.items()
                      if name in known and not isinstance(value, SIMPLE.get(known[name][1], object))]
            mistakes += len(wrong)
            for what in wrong:
                print(f"{file}: {kind}.{label}: {what}")
print(f"{checked} resources, {mistakes} mistakes")
sys.exit(1 if mistakes or not checked else 0)
