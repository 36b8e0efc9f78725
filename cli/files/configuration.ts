/** Writes a configuration, and its JSON Schema beside it if the package is not installed there. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { replaceFile } from './replace.ts';

const schemaName = 'cert-renewer.schema.json';
const installed = `node_modules/cert-renewer/${schemaName}`;

/** Returns the value of `$schema` for a configuration in this folder. */
export const schemaFor = (folder: string): string =>
  `./${existsSync(join(folder, installed)) ? installed : schemaName}`;

/** Returns the existing files that would change. */
export async function filesInTheWay(file: string): Promise<readonly string[]> {
  const schema = schemaBeside(file);
  const changes =
    schema !== undefined && existsSync(schema) && (await readFile(schema, 'utf8')) !== (await ownSchema());
  return [...(existsSync(file) ? [file] : []), ...(changes ? [schema] : [])];
}

/** Writes both files. Throws InvalidRequest. */
export async function writeConfiguration(file: string, document: unknown): Promise<void> {
  const schema = schemaBeside(file);
  if (schema !== undefined) await replaceFile(schema, await ownSchema());
  await replaceFile(file, `${JSON.stringify(document, null, 2)}\n`);
}

/** Undefined if the installed package contains the schema. */
function schemaBeside(file: string): string | undefined {
  const folder = dirname(resolve(file));
  return existsSync(join(folder, installed)) ? undefined : join(folder, schemaName);
}

/** By the name of the package: this file is deeper in a clone than in the package, where it is part of a bundle. */
const ownSchema = (): Promise<string> =>
  readFile(createRequire(import.meta.url).resolve(`cert-renewer/${schemaName}`), 'utf8');
