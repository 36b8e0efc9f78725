/** The ports as one task of one process has them: each call is an event of the simulation, and is watched. */
import { authorityProvider } from '../../lambdas/authority/provider.ts';
import type { CaProvider, Credential, IssuedChain, Journal, KeyVault, Store } from '../../lambdas/domain/ports.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import type { RenewalEvent } from '../../lambdas/domain/result.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import type { Signer } from '../../lambdas/domain/signer.ts';
import { offlineProvider } from '../../lambdas/providers/offline/index.ts';
import type { RenewalWorld, ScanWorld } from '../../lambdas/renewal/world.ts';
import type { Task } from './process.ts';
import type { Simulation } from './simulation.ts';
import { changed, decided, issued, staged, tagged } from './watch.ts';

export const rotationFunctionArn = 'arn:aws:lambda:us-east-1:000000000000:function:renew';

/** Providers as a process keeps them, one a profile. */
export type Providers = Map<string, CaProvider>;

type Ports = RenewalWorld & Omit<ScanWorld, 'continueLater'>;

/** `shared`: the task that stands for the process as a whole. */
export function portsOf(
  simulation: Simulation,
  task: Task,
  shared: Task = task,
  providers: Providers = new Map(),
): Ports {
  const { timeline, plan, entropy, cas } = simulation;
  return {
    rotationFunctionArn,
    store: storeOf(simulation, task),
    vault: vaultOf(simulation, task),
    publisher: { publish: (event) => publish(simulation, task, event) },
    queue: { send: (messages) => send(simulation, task, messages) },
    journal: journalOf(simulation, task),
    profiles: { find: (name) => simulation.call(task, 'profile', undefined, () => cas.profiles.find(name)) },
    ...(cas.authorities.names.length > 0 && { authorities: authoritiesOf(simulation, task) }),
    providerFor: async (profile) => watched(simulation, task, providerOf(simulation, task, shared, profile, providers)),
    clock: { now: () => timeline.now(), sleep: (milliseconds) => task.turn(milliseconds) },
    entropy,
    untilNextScan: () => plan.period,
    longestGap: plan.period,
  };
}

function authoritiesOf(simulation: Simulation, task: Task) {
  const { authorities } = simulation.cas;
  return {
    names: authorities.names,
    find: (name: string) => simulation.call(task, 'authority', undefined, () => authorities.find(name)),
  };
}

async function send(
  simulation: Simulation,
  task: Task,
  messages: Parameters<ScanWorld['queue']['send']>[0],
): Promise<void> {
  const { queue, ledger, timeline } = simulation;
  await simulation.call(task, 'send', undefined, async (trouble) => {
    for (let times = trouble === 'twice' ? 2 : 1; times > 0; times--) await queue.send(messages);
    for (const { secretArn } of messages) ledger.find(secretArn)?.enqueued.push(timeline.now());
  });
  simulation.onQueued();
}

function publish(simulation: Simulation, task: Task, event: RenewalEvent): Promise<void> {
  const target = 'secretArn' in event ? simulation.nameOf(event.secretArn) : undefined;
  return simulation.call(task, 'publish', target, async () => {
    simulation.note('the bus', event.type, target === undefined ? [] : [target]);
    simulation.deliver(event);
  });
}

function storeOf(simulation: Simulation, task: Task): Store {
  const { store } = simulation;
  const { read, seen } = task.invocation;
  const name = (secretId: string) => simulation.nameOf(secretId);
  const look = (summary: SecretSummary): SecretSummary => {
    seen.add(`${summary.name} ${summary.currentVersionId}`);
    return summary;
  };
  /** A write, and what has become of the secret by it. */
  const write = (method: 'stage' | 'promote' | 'discard' | 'tag', arn: string, work: () => Promise<void>) =>
    simulation.call(task, method, name(arn), async () => {
      simulation.willChange(arn);
      const before = store.summary(arn);
      await work();
      changed(simulation, task, before, store.summary(arn));
    });
  return {
    list: (from) => list(simulation, task, from),
    describe: async (id) =>
      look(
        await simulation.call(
          task,
          'describe',
          name(id),
          () => store.describe(id),
          (lag) => simulation.before(simulation.ledger.find(id)?.arn ?? '', lag),
        ),
      ),
    read: async (id, versionId) => {
      const version = await simulation.call(task, 'read', name(id), () => store.read(id, versionId));
      read.add(`${name(id)} ${version.versionId}`);
      return version;
    },
    stage: (arn, versionId, value) =>
      write('stage', arn, async () => {
        await store.stage(arn, versionId, value);
        staged(simulation, task, arn, versionId, value);
      }),
    promote: (arn, from, to) => write('promote', arn, () => store.promote(arn, from, to)),
    labelNoRoom: (arn, from, to) => write('tag', arn, () => store.labelNoRoom(arn, from, to)),
    discard: (arn, versionId) => write('discard', arn, () => store.discard(arn, versionId)),
    tag: (arn, set, remove) =>
      write('tag', arn, async () => {
        const before = store.summary(arn);
        await store.tag(arn, set, remove);
        tagged(simulation, task, before, store.summary(arn));
      }),
  };
}

async function* list(
  simulation: Simulation,
  task: Task,
  from?: string,
): ReturnType<Store['list']> extends AsyncIterable<infer Page> ? AsyncGenerator<Page> : never {
  const pages = simulation.store.list(from)[Symbol.asyncIterator]();
  for (;;) {
    const page = await simulation.call(task, 'list', undefined, async (trouble) => {
      const { done, value } = await pages.next();
      if (done || trouble !== 'stale') return done ? undefined : value;
      const lag = 60_000 * simulation.random.between(1, 5);
      const behind = value.map((summary: SecretSummary) => simulation.before(summary.arn, lag) ?? summary);
      return Object.assign(behind, { next: value.next });
    });
    if (page === undefined) return;
    yield page;
  }
}

function vaultOf(simulation: Simulation, task: Task): KeyVault {
  return {
    signer: async (keyId) => {
      const signer = await simulation.call(task, 'key', undefined, () => simulation.vault.signer(keyId));
      return { ...signer, sign: (data) => simulation.call(task, 'sign', undefined, () => signer.sign(data)) };
    },
  };
}

function journalOf(simulation: Simulation, task: Task): Journal {
  const place = (secretArn: string | null) => (secretArn === null ? '' : simulation.nameOf(secretArn));
  return {
    decision: (entry) => {
      const name = place(entry.secretArn);
      simulation.see('the log', name, JSON.stringify(entry));
      simulation.note(task.invocation.label, `decides ${entry.reason.code}`, [name]);
      decided(simulation, task, entry);
    },
    failure: ({ secretArn, error, ...rest }) => {
      const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      simulation.see('the log', place(secretArn), `${text} ${JSON.stringify(rest)}`);
      simulation.note(task.invocation.label, `fails: ${text.split(':')[0]}`, [place(secretArn)]);
      if (text.startsWith('Internal') || text.startsWith('TypeError')) {
        simulation.ledger.violate('an unexpected error', place(secretArn), text);
      }
    },
    count: () => undefined,
    measure: () => undefined,
  };
}

function providerOf(
  simulation: Simulation,
  task: Task,
  shared: Task,
  profile: Profile,
  providers: Providers,
): CaProvider {
  const { ca, name } = profile;
  if (ca.type === 'step-ca' || ca.type === 'infisical') return stepCa(simulation, task, name);
  const known = providers.get(name);
  if (known) return known;
  const world = {
    authorities: authoritiesOf(simulation, shared),
    store: storeOf(simulation, shared),
    vault: vaultOf(simulation, shared),
    entropy: simulation.entropy,
  };
  const made =
    ca.type === 'offline'
      ? offlineProvider({ ...world, authority: ca.authority })
      : authorityProvider(world, ca.authority);
  providers.set(name, made);
  return made;
}

function stepCa(simulation: Simulation, task: Task, name: string): CaProvider {
  const ca = simulation.cas.step[name === 'strict' ? 'strict' : 'lenient'];
  const ask = (work: () => Promise<IssuedChain>) =>
    simulation.call(task, 'ca', undefined, async () => {
      const answer = await work();
      issued(simulation, task, answer);
      return answer;
    });
  return {
    roots: () => ca.roots(),
    renew: (...given) => ask(() => ca.renew(...given)),
    rekey: (...given) => {
      drawn(simulation, task, given[0], given[1]);
      return ask(() => ca.rekey(...given));
    },
  };
}

/** Keys that take long to make come from a pool: that one comes again is the simulation's own mishap. */
function drawn({ ledger }: Simulation, { secret }: Task, { key }: Credential, newKey: Signer): void {
  const record = ledger.find(secret);
  if (record && key && Buffer.compare(key.spki, newKey.spki) === 0) record.hits += 1;
}

/** An authority of the stack's own is code of the process, which waits with the others for the calls that it makes. */
function watched(simulation: Simulation, task: Task, provider: CaProvider): CaProvider {
  const isStepCa = provider.answers === undefined;
  if (isStepCa) return provider;
  const ask = async (work: () => Promise<IssuedChain>) => {
    const answer = await task.waitingFor(work);
    issued(simulation, task, answer);
    return answer;
  };
  return {
    roots: (current) => task.waitingFor(() => provider.roots(current)),
    renew: (...given) => ask(() => provider.renew(...given)),
    rekey: (...given) => {
      drawn(simulation, task, given[0], given[1]);
      return ask(() => provider.rekey(...given));
    },
  };
}
