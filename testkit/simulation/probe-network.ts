/** The network of a probe: the servers of the episode, and a check of where it connects. */
import type { Handshake, HandshakeTarget, ProbeNetwork } from '../../lambdas/domain/serving.ts';
import type { Task } from './process.ts';
import { presented, type Servers } from './servers.ts';
import type { Simulation } from './simulation.ts';

/** Where the probe may connect in an episode. No server is elsewhere. */
const isOurs = (address: string): boolean => address.startsWith('10.');

/** Each look-up and each handshake is an event of the simulation. */
export function networkOf(simulation: Simulation, servers: Servers, task: Task): ProbeNetwork {
  const secretAt = (address: string): string | undefined => servers.at(address)?.secret;
  return {
    resolve: (host) =>
      simulation.call(task, 'resolve', undefined, async () => {
        const addresses = servers.addressesOf(host);
        return addresses.length > 0 ? { ok: true, addresses } : { ok: false, code: 'ENOTFOUND' };
      }),
    handshake: (target) =>
      simulation.call(task, 'handshake', secretAt(target.address), () => handshake(simulation, servers, task, target)),
  };
}

async function handshake(
  { ledger, timeline }: Simulation,
  servers: Servers,
  task: Task,
  { address, port }: HandshakeTarget,
): Promise<Handshake> {
  const server = servers.at(address);
  const record = ledger.find(server?.secret);
  if (!isOurs(address)) ledger.violate('connected elsewhere', record?.name ?? address, `To ${address}, port ${port}.`);
  if (record === undefined || port !== 443) return { ok: false, problem: 'refused', code: 'ECONNREFUSED' };
  const { leaf } = presented(server, record, timeline.now());
  task.invocation.presented.set(address, leaf);
  if (leaf !== undefined) return { ok: true, certificates: [leaf] };
  await task.turn(5_000);
  return { ok: false, problem: 'timeout', code: 'ETIMEDOUT' };
}
