// Makes releases.wasm.
import { readFile, writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';

const schema = JSON.stringify(await readFile('options.schema.json', 'utf8'));
await writeFile('schema.js', `// Made by build.js of options.schema.json.\nexport default ${schema};\n`);

const { component } = await componentize({
  sourcePath: 'releases.js',
  witPath: '../../../wit',
  worldName: 'source-plugin',
  disableFeatures: ['fetch-event'],
});
await writeFile('releases.wasm', component);
