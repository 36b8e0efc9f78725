/** Downloads a certificate with its chain (RFC 8555 section 7.4.2). */
import { RenewalError } from '../../domain/errors.ts';
import { pemBlocks } from '../../domain/pem.ts';
import type { HttpsAnswer } from '../../net/https.ts';
import { parseCertificate } from '../../x509/certificate.ts';
import { commonName } from '../../x509/names.ts';
import type { Account } from './account.ts';
import { notAcme, urlIn } from './fields.ts';

/** Other chains that are looked at. CAs have one or two. */
const mostAlternates = 5;

export interface Download {
  readonly url: URL;
  readonly host: string;
  /** Common name of the root that the chain should lead to. */
  readonly preferredChain: string | undefined;
}

/** Returns DER, leaf first: the chain to the preferred root if there is one, otherwise the CA's default. Throws CaRejected, Problem. */
export async function downloadChain(account: Account, download: Download): Promise<readonly Uint8Array[]> {
  const { url, host, preferredChain } = download;
  const load = (from: URL) => account.post({ url: from, accept: 'application/pem-certificate-chain' });
  const answer = await load(url);
  const usual = certificatesIn(answer, host);
  if (preferredChain === undefined || leadsTo(usual, preferredChain)) return usual;
  for (const alternate of alternatesIn(answer, url)) {
    const chain = certificatesIn(await load(alternate), host);
    if (leadsTo(chain, preferredChain)) return chain;
  }
  return usual;
}

function certificatesIn({ body }: HttpsAnswer, host: string): readonly Uint8Array[] {
  const blocks = pemBlocks(body.toString(), `The certificate that ${host} answered with`, 'CaRejected');
  const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE').map(({ der }) => der);
  if (certificates.length === 0) throw notAcme('the certificate is not PEM', host);
  return certificates;
}

/** Whether the last certificate is the root of this name, or issued by it. */
function leadsTo(chain: readonly Uint8Array[], root: string): boolean {
  const last = chain.at(-1);
  if (last === undefined) return false;
  try {
    const { issuer, subject } = parseCertificate(last);
    return commonName(issuer) === root || (chain.length > 1 && commonName(subject) === root);
  } catch (error) {
    if (error instanceof RenewalError) return false; // the proof after it tells what is wrong
    throw error;
  }
}

/** Returns the addresses of Link headers (RFC 8288) with the relation `alternate`. Node joins the headers with commas. */
function alternatesIn({ headers }: HttpsAnswer, base: URL): readonly URL[] {
  const { link = '' } = headers;
  const text = Array.isArray(link) ? link.join(', ') : link;
  const links = [...text.matchAll(/<([^<>]{1,2000})>\s{0,9};([^<>]{0,200})/g)];
  return links
    .filter(([, , parameters = '']) => /(?:^|;)\s{0,9}rel\s{0,9}=\s{0,9}"?alternate"?(?:[;,\s]|$)/.test(parameters))
    .flatMap(([, address]) => urlIn(address, base) ?? [])
    .slice(0, mostAlternates);
}
