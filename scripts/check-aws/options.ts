/** The options of `npm run check-aws`. */
import { parseArgs } from 'node:util';
import type { Options } from './room.ts';

export const options = {
  yes: { type: 'boolean', default: false },
  email: { type: 'string' },
  'instance-tag': { type: 'string' },
  patience: { type: 'string', default: '1' },
} as const;

/** Parses the options. @throws Error with a message for the user if one is invalid. */
export function readOptions(): Options & { readonly yes: boolean } {
  const { values } = parseArgs({ options });
  const { yes, email, 'instance-tag': tag } = values;
  const patience = Number(values.patience);
  if (!(patience > 0))
    throw new Error(`--patience ${values.patience}: expected a number above 0; all time limits are multiplied by it`);
  const [key = '', value = ''] =
    tag === undefined ? [] : [tag.slice(0, tag.indexOf('=')), tag.slice(tag.indexOf('=') + 1)];
  if (tag !== undefined && (!tag.includes('=') || key === '' || value === '')) {
    throw new Error(`--instance-tag ${tag}: expected Key=Value`);
  }
  return { yes, email, instanceTag: tag === undefined ? undefined : { key, value }, patience };
}
