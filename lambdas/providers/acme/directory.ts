/** The directory of a CA (RFC 8555 section 7.1.1): its addresses and what it says about itself. */
import type { Directory } from './ca.ts';
import { type Exchange, fetchOpen } from './exchange.ts';
import { fieldsIn, objectOf, requiredUrl, textIn, urlIn } from './fields.ts';

/** Returns the directory, which a process reads once. */
export async function directoryOf(exchange: Exchange): Promise<Directory> {
  const { kept } = exchange.ca;
  kept.directory ??= await fetchDirectory(exchange);
  return kept.directory;
}

/** Reads the directory. Throws CaRejected if it is none, CaUnavailable. */
export async function fetchDirectory(exchange: Exchange): Promise<Directory> {
  const { ca, host } = exchange;
  const fields = objectOf(await fetchOpen(exchange, ca.address), 'its directory', host);
  const meta = fieldsIn(fields['meta']) ?? {};
  const profiles = fieldsIn(meta['profiles']);
  const address = (name: string) => requiredUrl(fields[name], `${name} of its directory`, host);
  return {
    newNonce: address('newNonce'),
    newAccount: address('newAccount'),
    newOrder: address('newOrder'),
    renewalInfo: urlIn(fields['renewalInfo']),
    terms: textIn(meta['termsOfService']),
    externalAccountRequired: meta['externalAccountRequired'] === true,
    profiles: profiles && Object.keys(profiles),
  };
}
