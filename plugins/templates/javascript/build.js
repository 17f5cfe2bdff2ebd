// Makes @NAME@.wasm: the modules beside this file, and a JavaScript engine to run them.
import { readFile, writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';

const schema = JSON.stringify(await readFile('options.schema.json', 'utf8'));
await writeFile('schema.js', `// Made by build.js of options.schema.json.\nexport default ${schema};\n`);

const { component } = await componentize({
  sourcePath: 'plugin.js',
  witPath: 'wit',
  worldName: 'plugin',
  // What a plugin is never called for.
  disableFeatures: ['fetch-event'],
});
await writeFile('@NAME@.wasm', component);
