// Reads an AsyncAPI document with the official parser and prints what it found as JSON.
import { readFile } from 'node:fs/promises';
import { Parser } from '@asyncapi/parser';

const { document, diagnostics } = await new Parser().parse(await readFile(process.argv[2], 'utf8'));
console.log(JSON.stringify({
  channels: document ? document.channels().all().length : 0,
  diagnostics: diagnostics.map(({ severity, code, message, path }) => ({ severity, code, message, path })),
}));
