/** A secret whose certificate a real nginx serves: it is due, and nginx has its first value until a test writes and reloads. */

import type { CaAccess } from '../../testkit/cas/leaf.ts';
import { forge } from '../../testkit/cas/leaf.ts';
import type { Endpoint } from '../../testkit/local-aws/client.ts';
import { type EnrolledSecret, enrol, fromShape, look } from '../../testkit/local-aws/enrolled.ts';
import { type Nginx, startNginx } from '../../testkit/tools/nginx.ts';
import { freePort } from '../../testkit/tools/process.ts';
import { type PresentedLeaf, presentedAt } from '../../testkit/tools/s-client.ts';
import { required, type Tool } from '../../testkit/tools/tool.ts';
import { camel, dueDates } from './on-demand.ts';

export interface InNginx {
  readonly secret: EnrolledSecret;
  readonly endpoint: string;
  /** The first certificate, as openssl gets it from nginx. */
  readonly before: PresentedLeaf;
  /** Returns what openssl gets now. */
  now(): Promise<PresentedLeaf>;
  /** Writes the files of nginx from the secret, as a deployment does that forgets to reload. */
  write(): Promise<void>;
  /** Reloads nginx. */
  readonly reload: Nginx['reload'];
  readonly stop: Nginx['stop'];
}

/** Enrols a due certificate with an endpoint at `host`, and serves it there. */
export async function dueInNginx(
  aws: Endpoint,
  ca: CaAccess,
  { program, profile = 'internal', host = '127.0.0.1' }: { program: Tool; profile?: string; host?: string },
): Promise<InNginx> {
  const port = await freePort();
  const endpoint = `${host}:${port}`;
  const leaf = await forge(ca, { ...dueDates(), sans: ['dns:localhost', 'ip:127.0.0.1'] });
  const { certificatePem: certificate, chainPem: certificateChain, keyPem: privateKey } = leaf;
  const value = camel(leaf, privateKey);
  const secret = await enrol(aws, { name: 'served', profile, tags: { endpoints: endpoint }, value });
  const { write, reload, stop } = await startNginx(required(program), {
    servers: [{ port, pairs: ['web'] }],
    pairs: { web: { certificate, certificateChain, privateKey } },
  });
  const now = () => presentedAt(`127.0.0.1:${port}`);
  return {
    ...{ secret, endpoint, now, reload, stop, before: await now() },
    write: async () => {
      const { certificate, chain, privateKey = '' } = fromShape('camel', (await look(aws, secret.arn)).value);
      await write('web', { certificate, certificateChain: chain, privateKey });
    },
  };
}
