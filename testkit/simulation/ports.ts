/** The ports of one task of one process. Each call is an event of the simulation, and is checked. */
import { type CallPolicy, call as within } from '../../lambdas/domain/calls.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type {
  CaAnswer,
  CaProvider,
  CaRequest,
  DeclarationSource,
  Journal,
  KeyVault,
  Store,
} from '../../lambdas/domain/ports.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import type { RenewalEvent } from '../../lambdas/domain/result.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { openCa } from '../../lambdas/providers/index.ts';
import type { RenewalWorld, ScanWorld } from '../../lambdas/renewal/world.ts';
import { noBindings } from '../fakes/asking.ts';
import { FakeTxtZones } from '../fakes/txt-zones.ts';
import { askedWithin, lookedUp } from './declared-watch.ts';
import { askPublic, failedWhileWaiting, labelled, sent } from './orders-watch.ts';
import type { Task } from './process.ts';
import type { PublicCa } from './public-ca.ts';
import { toldOfServing } from './serving-watch.ts';
import type { Simulation } from './simulation.ts';
import { changed, decided, issued, staged, tagged } from './watch.ts';

export const rotationFunctionArn = 'arn:aws:lambda:us-east-1:000000000000:function:renew';

/** The providers of an invocation, one for each profile. */
export type Providers = Map<string, Promise<CaProvider>>;

type Ports = RenewalWorld & Omit<ScanWorld, 'continueLater'>;

/** `shared` is the task for the whole process. */
export function portsOf(
  simulation: Simulation,
  task: Task,
  policy: CallPolicy,
  shared: Task = task,
  providers: Providers = new Map(),
): Ports {
  const { timeline, plan, entropy, cas } = simulation;
  const profile = (name: string) => simulation.call(task, 'profile', undefined, () => cas.profiles.find(name));
  return {
    rotationFunctionArn,
    store: storeOf(simulation, task, policy),
    vault: vaultOf(simulation, task, policy),
    publisher: {
      publish: (event) => within(policy, 'publish', () => publish(simulation, task, event)),
      flush: () => undefined,
    },
    queue: { send: (messages, delay) => within(policy, 'send', () => send(simulation, task, messages, delay)) },
    journal: journalOf(simulation, task),
    profiles: { find: (name) => within(policy, 'find', () => profile(name)) },
    declarations: declarationsOf(simulation, task, policy),
    ...(cas.authorities.names.length > 0 && { authorities: authoritiesOf(simulation, task, policy) }),
    providerFor: async (each) =>
      watched(simulation, task, await providerOf(simulation, { task, shared, policy }, each, providers)),
    clock: {
      now: () => timeline.now(),
      sleep: (milliseconds) => within(policy, 'sleep', () => task.turn(milliseconds)),
    },
    entropy,
    untilNextScan: () => plan.period,
    longestGap: plan.period,
  };
}

function authoritiesOf(simulation: Simulation, task: Task, policy: CallPolicy) {
  const { authorities } = simulation.cas;
  return {
    names: authorities.names,
    find: (name: string) =>
      within(policy, 'find', () => simulation.call(task, 'authority', undefined, () => authorities.find(name))),
  };
}

/** Each read is one call of SSM. */
function declarationsOf(simulation: Simulation, task: Task, policy: CallPolicy): DeclarationSource {
  const { declarations } = simulation;
  return {
    find: (name) =>
      within(policy, 'find', () =>
        simulation.call(task, 'parameter', name, async () => {
          lookedUp(simulation, name);
          return declarations.parameters.find(name);
        }),
      ),
  };
}

async function send(
  simulation: Simulation,
  task: Task,
  messages: Parameters<ScanWorld['queue']['send']>[0],
  delaySeconds: number | undefined,
): Promise<void> {
  const { queue, ledger, timeline } = simulation;
  await simulation.call(task, 'send', undefined, async (trouble) => {
    for (let times = trouble === 'twice' ? 2 : 1; times > 0; times--) {
      await queue.send(messages, delaySeconds);
      for (const record of messages.flatMap(({ secretArn }) => ledger.find(secretArn) ?? [])) {
        if (trouble !== undefined) record.troubledAt = timeline.now();
        sent(simulation, record);
      }
    }
    // Those that workers send to themselves are not the schedule's.
    if (!task.invocation.label.startsWith('scan')) return;
    for (const { secretArn } of messages) ledger.find(secretArn)?.enqueued.push(timeline.now());
  });
  simulation.onQueued();
}

function publish(simulation: Simulation, task: Task, event: RenewalEvent): Promise<void> {
  const target = 'secretArn' in event ? simulation.nameOf(event.secretArn) : undefined;
  return simulation.call(task, 'publish', target, async () => {
    simulation.note('the bus', event.type, target === undefined ? [] : [target]);
    simulation.deliver(event);
    const record = simulation.ledger.find(target);
    if (event.type === 'Certificate Served' || event.type === 'Certificate Not Served')
      toldOfServing(simulation, task, event);
    if (record && event.type === 'Certificate Renewal Failed')
      failedWhileWaiting(simulation, record, event.detail.code);
  });
}

export function storeOf(simulation: Simulation, task: Task, policy: CallPolicy): Store {
  const { store } = simulation;
  const { read, seen } = task.invocation;
  const name = (secretId: string) => simulation.nameOf(secretId);
  const look = (summary: SecretSummary): SecretSummary => {
    seen.add(`${summary.name} ${summary.currentVersionId}`);
    return summary;
  };
  /** Writes, and checks the secret afterwards. */
  const write = <T>(
    method: 'stage' | 'promote' | 'discard' | 'tag' | 'keepOrder' | 'dropOrder',
    arn: string,
    work: () => Promise<T>,
  ) =>
    within(policy, method, () =>
      simulation.call(task, method, name(arn), async () => {
        simulation.willChange(arn);
        const before = store.summary(arn);
        const done = await work();
        changed(simulation, task, before, store.summary(arn));
        labelled(simulation, store.summary(arn));
        return done;
      }),
    );
  return {
    list: (from, tag) => list(simulation, task, policy, from, tag),
    describe: async (id) =>
      look(
        await within(policy, 'describe', () =>
          simulation.call(
            task,
            'describe',
            name(id),
            () => store.describe(id),
            (lag) => simulation.before(simulation.ledger.find(id)?.arn ?? '', lag),
          ),
        ),
      ),
    read: async (id, versionId) => {
      const version = await within(policy, 'read', () =>
        simulation.call(task, 'read', name(id), () => store.read(id, versionId)),
      );
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
    keepOrder: (arn, versionId, value) => write('keepOrder', arn, () => store.keepOrder(arn, versionId, value)),
    dropOrder: (arn, versionId) => write('dropOrder', arn, () => store.dropOrder(arn, versionId)),
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
  policy: CallPolicy,
  from?: string,
  tag?: string,
): ReturnType<Store['list']> extends AsyncIterable<infer Page> ? AsyncGenerator<Page> : never {
  const pages = simulation.store.list(from, tag)[Symbol.asyncIterator]();
  for (;;) {
    const page = await within(policy, 'list', () =>
      simulation.call(task, 'list', undefined, async (trouble) => {
        const { done, value } = await pages.next();
        if (done || trouble !== 'stale') return done ? undefined : value;
        const lag = 60_000 * simulation.random.between(1, 5);
        const behind = value.map((summary: SecretSummary) => simulation.before(summary.arn, lag) ?? summary);
        return Object.assign(behind, { next: value.next });
      }),
    );
    if (page === undefined) return;
    yield page;
  }
}

function vaultOf(simulation: Simulation, task: Task, policy: CallPolicy): KeyVault {
  return {
    signer: async (keyId, concerns) => {
      const signer = await within(policy, 'signer', () =>
        simulation.call(task, 'key', undefined, () => simulation.vault.signer(keyId, concerns)),
      );
      const sign = (data: Uint8Array) => simulation.call(task, 'sign', undefined, () => signer.sign(data));
      return { ...signer, sign: (data) => within(policy, 'sign', () => sign(data)) };
    },
  };
}

export function journalOf(simulation: Simulation, task: Task): Journal {
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
      // A deployment announces what the renew function has already announced.
      const isSecondHand = task.invocation.label.startsWith('deployment');
      const isOutOfTime = isSecondHand || (error instanceof RenewalError && error.retryable);
      if ((text.startsWith('Internal') && !isOutOfTime) || text.startsWith('TypeError')) {
        simulation.ledger.violate('an unexpected error', place(secretArn), text);
      }
    },
    count: () => undefined,
    measure: () => undefined,
  };
}

interface Asking {
  readonly task: Task;
  readonly shared: Task;
  readonly policy: CallPolicy;
}

async function providerOf(
  simulation: Simulation,
  asking: Asking,
  { ca, name }: Profile,
  providers: Providers,
): Promise<CaProvider> {
  if (name in simulation.cas.step) return stepCa(simulation, asking, name === 'strict' ? 'strict' : 'lenient');
  const { public: publicCa } = simulation.cas;
  if (name === 'public' && publicCa) return publicProvider(simulation, asking, publicCa);
  const { shared, policy } = asking;
  const tools = {
    policy,
    clock: { now: () => simulation.timeline.now(), sleep: (milliseconds: number) => shared.turn(milliseconds) },
    authorities: authoritiesOf(simulation, shared, policy),
    store: storeOf(simulation, shared, policy),
    vault: vaultOf(simulation, shared, policy),
    entropy: simulation.entropy,
    zones: new FakeTxtZones(),
    bindings: noBindings,
  };
  const known = providers.get(name) ?? openCa(ca).then((open) => open(tools));
  providers.set(name, known);
  return known;
}

function stepCa(simulation: Simulation, { task, policy }: Asking, name: 'strict' | 'lenient'): CaProvider {
  const ca = simulation.cas.step[name];
  return {
    type: ca.type,
    can: ca.can,
    issues: ca.issues,
    identity: ca.identity,
    roots: () => ca.roots(),
    checkFitness: (current, operation) => ca.checkFitness(current, operation),
    ask: (request) => {
      drawn(simulation, task, request);
      askedWithin(simulation, task, request);
      return within(policy, 'ask', () =>
        simulation.call(task, 'ca', undefined, () => told(simulation, task, request, ca.ask(request))),
      );
    },
  };
}

function publicProvider(simulation: Simulation, { task, policy }: Asking, ca: PublicCa): CaProvider {
  const calling = <T>(work: () => Promise<T>): Promise<T> =>
    within(policy, 'ask', () => simulation.call(task, 'ca', undefined, work));
  return {
    type: 'acme',
    can: ca.can,
    issues: ca.issues,
    identity: ca.identity,
    roots: () => ca.roots(),
    abandon: (receipt) => calling(async () => ca.giveUp(receipt)),
    suggestedWindow: (current) => calling(async () => ca.suggestion(current)),
    ask: (request) => {
      drawn(simulation, task, request);
      askedWithin(simulation, task, request);
      return calling(async () => {
        const { answer, isFirst } = await askPublic(simulation, ca, task, request);
        if (answer.kind === 'issued' && isFirst) issued(simulation, task, request, answer);
        return answer;
      });
    },
  };
}

/** Slow kinds of keys come from a pool. A key that repeats is an artefact of the simulation. */
function drawn({ ledger }: Simulation, { secret }: Task, { wanted, current, key }: CaRequest): void {
  if (wanted.key.kind === 'same') return;
  const record = ledger.find(secret);
  if (record && current?.key && key && Buffer.compare(current.key.spki, key.spki) === 0) record.hits += 1;
}

async function told(
  simulation: Simulation,
  task: Task,
  request: CaRequest,
  answer: Promise<CaAnswer>,
): Promise<CaAnswer> {
  const given = await answer;
  if (given.kind === 'issued') issued(simulation, task, request, given);
  return given;
}

/** Issuing a declared certificate loads a module, which is not an event. So this loads the module too, and continues after it. */
async function uncounted<T>({ timeline }: Simulation, { wanted }: CaRequest, work: Promise<T>): Promise<T> {
  if (wanted.content.kind !== 'declared') return work;
  timeline.settle = () => import('../../lambdas/x509/peculiar.ts');
  timeline.uncounted += 1;
  try {
    return await work;
  } finally {
    timeline.uncounted -= 1;
  }
}

/** An authority of the stack's own runs in the process, and its calls are events too. */
function watched(simulation: Simulation, task: Task, provider: CaProvider): CaProvider {
  if (provider.answers === undefined) return provider; // a step-ca
  const { type, can, issues, identity } = provider;
  return {
    type,
    can,
    issues,
    identity,
    roots: (current) => task.waitingFor(() => provider.roots(current)),
    ask: (request) => {
      drawn(simulation, task, request);
      askedWithin(simulation, task, request);
      return task.waitingFor(() =>
        uncounted(simulation, request, told(simulation, task, request, provider.ask(request))),
      );
    },
  };
}
