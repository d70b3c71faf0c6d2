/** Writes every document that follows from the config table: `npm run generate`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { documents } from '../dist/config/documents.js';

const root = new URL('..', import.meta.url);
for (const { path, render } of documents) {
  const file = new URL(path, root);
  writeFileSync(file, render(readFileSync(file, 'utf8')));
  console.log(`wrote ${fileURLToPath(file)}`);
}
