import { RenewalError } from '../domain/errors.ts';

/** The address of a profile. Throws InvalidRequest for one that is not https; `example`: what it looks like. */
export function httpsAddress(text: string, example: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:') return url;
  throw new RenewalError('InvalidRequest', `The url of the profile is not an https address, such as ${example}.`);
}
