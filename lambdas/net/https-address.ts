import { RenewalError } from '../domain/errors.ts';

/** Parses the address of a profile. Throws InvalidRequest if it is not https. `example` is an address for the message. */
export function httpsAddress(text: string, example: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:') return url;
  throw new RenewalError('InvalidRequest', `The url of the profile is not an https address, such as ${example}.`);
}
