/** `openssl s_client` as the judge of what a server presents. It shares no code with this project. */
import { run } from './process.ts';

/** What `openssl x509` reads in the leaf. */
export interface PresentedLeaf {
  /** Lowercase hex. */
  readonly serialNumber: string;
  /** RFC 3339, in whole seconds. */
  readonly notAfter: string;
  /** SHA-256 of the DER, in lowercase hex. */
  readonly fingerprint: string;
}

/** Connects to `host:port`, or to `[address]:port`. `args` are further ones of s_client. Throws if the server presents no certificate. */
export async function presentedAt(place: string, ...args: readonly string[]): Promise<PresentedLeaf> {
  const script =
    'openssl s_client -connect "$@" 2>/dev/null | openssl x509 -noout -serial -enddate -fingerprint -sha256';
  const { code, output } = await run('sh', ['-c', script, 'sh', place, ...args], { timeout: 20_000 });
  const field = (name: string) => new RegExp(`^${name}=(.*)$`, 'im').exec(output)?.[1];
  const [serial, end, print] = [field('serial'), field('notAfter'), field('sha256 Fingerprint')];
  if (code !== 0 || serial === undefined || end === undefined || print === undefined) {
    throw new Error(`openssl s_client got no certificate from ${place}: ${output.trim()}`);
  }
  return {
    serialNumber: serial.toLowerCase(),
    notAfter: new Date(end).toISOString().replace('.000', ''),
    fingerprint: print.replaceAll(':', '').toLowerCase(),
  };
}
