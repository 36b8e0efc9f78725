/** CloudFormation with its custom resources, the command line, and a writer that bypasses both. */

import { applyChanges } from '../../lambdas/deployment/apply-changes.ts';
import { handleCertificates } from '../../lambdas/deployment/certificates.ts';
import { documentText } from '../../lambdas/deployment/declare.ts';
import type { DeclarationWorld } from '../../lambdas/deployment/world.ts';
import { type CallPolicy, timeLimits, call as within } from '../../lambdas/domain/calls.ts';
import type { DeclarationKeeper, FunctionAnswer } from '../../lambdas/domain/declaring.ts';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import type { Functions } from './functions.ts';
import { type Certificates, hour, minute } from './plan.ts';
import { journalOf, rotationFunctionArn, storeOf } from './ports.ts';
import type { Invocation, Task } from './process.ts';
import type { Simulation } from './simulation.ts';

/** Milliseconds: the function's timeout, how long it waits, and the time for its answer. */
const longest = 15 * minute;
const patience = 570_000;
const reserve = 120_000;

interface Resource {
  readonly name: string;
  /** The deployed properties. Undefined before the deployment. */
  deployed: Certificates | undefined;
  readonly queue: Certificates[];
  isBusy: boolean;
}

interface Operation {
  readonly type: 'Create' | 'Update' | 'Delete';
  readonly now: Certificates;
  readonly before: Certificates;
}

export class Deployments {
  readonly #simulation: Simulation;
  readonly #functions: Functions;
  readonly #resources = new Map<string, Resource>();

  constructor(simulation: Simulation, functions: Functions) {
    this.#simulation = simulation;
    this.#functions = functions;
  }

  /** A stack has only one deployment at a time. */
  deploy(name: string, certificates: Certificates): void {
    const resource = this.#resources.get(name) ?? { name, deployed: undefined, queue: [], isBusy: false };
    this.#resources.set(name, resource);
    resource.queue.push(certificates);
    this.#next(resource);
  }

  #next(resource: Resource): void {
    const certificates = resource.isBusy ? undefined : resource.queue.shift();
    if (certificates === undefined) return;
    resource.isBusy = true;
    const { deployed: before } = resource;
    const done = (deployed: Certificates | undefined): void => {
      resource.deployed = deployed;
      resource.isBusy = false;
      this.#next(resource);
    };
    const type = before === undefined ? 'Create' : 'Update';
    this.#carryOut(resource.name, { type, now: certificates, before: before ?? {} }, 1, (isDone) => {
      if (isDone) done(certificates);
      // A failed deployment is rolled back. The result of the rollback is ignored.
      else if (before === undefined)
        this.#carryOut(resource.name, { type: 'Delete', now: certificates, before: {} }, 1, () => done(undefined));
      else this.#carryOut(resource.name, { type: 'Update', now: before, before: certificates }, 1, () => done(before));
    });
  }

  /** Lambda retries an invocation that ended without an answer. If no retry answers, CloudFormation waits for an hour. */
  #carryOut(name: string, operation: Operation, attempt: number, ended: (isDone: boolean) => void): void {
    const simulation = this.#simulation;
    const later = (milliseconds: number, run: () => void) =>
      simulation.timeline.at(simulation.timeline.now() + milliseconds, run);
    const { type, now, before } = operation;
    this.#run(`deployment of ${name}`, Object.keys(now), async (world, invocation) => {
      const event = {
        ...{
          RequestType: type,
          ResponseURL: 'https://cloudformation.example/',
          StackId: 'stack',
          RequestId: 'request',
        },
        ...{ LogicalResourceId: name, ...(type !== 'Create' && { PhysicalResourceId: name }) },
        ResourceProperties: { Certificates: JSON.stringify(now) },
        OldResourceProperties: { Certificates: JSON.stringify(before) },
      };
      const deadline = simulation.timeline.now() + Math.min(longest - reserve, patience);
      const { Status, Reason } = await handleCertificates(world, event, deadline);
      simulation.note(invocation.label, `${type} ${Status}: ${Reason}`, Object.keys(now));
      simulation.see('an answer', name, String(Reason));
      return Status === 'SUCCESS';
    }).then((isDone) => {
      if (isDone !== undefined) later(1000, () => ended(isDone));
      else if (attempt < 3) later(attempt * minute, () => this.#carryOut(name, operation, attempt + 1, ended));
      else later(hour, () => ended(false));
    });
  }

  /** `cert-renewer declare` and `undeclare`. */
  declare(name: string, entry: CertificateEntry | undefined): void {
    const simulation = this.#simulation;
    void this.#run('declaration by hand', [name], async (world, invocation) => {
      const now = simulation.timeline.now();
      const [ending] = await applyChanges(world, [{ name, entry }], {
        deadline: now + patience,
        settledAt: now,
        isNewRole: false,
      });
      simulation.note(
        invocation.label,
        ending?.kind === 'done' ? ending.result.outcome : `fails: ${ending?.error.code}`,
        [name],
      );
      return true;
    });
  }

  alter(name: string, entry: CertificateEntry): void {
    const { declarations } = this.#simulation;
    if (declarations.of(name) === undefined) return;
    const text = documentText(name, entry);
    declarations.parameters.write(name, text);
    declarations.changed(name, text);
  }

  /** Undefined if it did not end. */
  #run(
    kind: string,
    about: readonly string[],
    work: (world: Parameters<typeof handleCertificates>[0], invocation: Invocation) => Promise<boolean>,
  ): Promise<boolean | undefined> {
    const simulation = this.#simulation;
    return new Promise((resolve) => {
      const onEnd = (): void => {
        if (invocation.state === 'dead') resolve(undefined);
      };
      const invocation = simulation.begin(kind, [], onEnd, longest);
      simulation.note(invocation.label, 'declares', about);
      const task = invocation.task();
      const limits = timeLimits(longest, invocation.abortedIn);
      const clock = { now: () => simulation.timeline.now(), sleep: (milliseconds: number) => task.turn(milliseconds) };
      const policy: CallPolicy = { limits, patience: { clock, entropy: simulation.entropy } };
      const world = { ...this.#world(task, policy), journal: journalOf(simulation, task) };
      void task
        .run(() => work(world, invocation))
        .then(
          (isDone) => {
            invocation.answered();
            resolve(isDone);
          },
          (error: unknown) => {
            invocation.answered();
            simulation.ledger.violate('an unexpected error', about[0] ?? '', `${invocation.label}: ${String(error)}`);
            resolve(false);
          },
        );
    });
  }

  #world(task: Task, policy: CallPolicy): DeclarationWorld {
    const simulation = this.#simulation;
    const { timeline, cas } = simulation;
    return {
      store: storeOf(simulation, task, policy),
      secrets: { create: (secret) => this.#create(task, policy, secret), setEncryptionKey: async () => undefined },
      declarations: keeperOf(simulation, task, policy),
      profiles: {
        find: (name) =>
          within(policy, 'find', () => simulation.call(task, 'profile', undefined, () => cas.profiles.find(name))),
      },
      renewal: this.#renewal(task, policy),
      clock: {
        now: () => timeline.now(),
        sleep: (milliseconds) => within(policy, 'sleep', () => task.turn(milliseconds)),
      },
      rotationFunctionArn,
      isAuthority: async ({ name }) => name.startsWith('pki/'),
    };
  }

  #create(
    task: Task,
    policy: CallPolicy,
    secret: Parameters<DeclarationWorld['secrets']['create']>[0],
  ): Promise<string | undefined> {
    const simulation = this.#simulation;
    return within(policy, 'create', () =>
      simulation.call(task, 'create', secret.name, async () => {
        const arn = await simulation.store.create(secret);
        const plan = simulation.plan.secrets.find(({ name }) => name === secret.name);
        if (arn !== undefined) simulation.adopt(arn, plan);
        return arn;
      }),
    );
  }

  #renewal(task: Task, policy: CallPolicy): DeclarationWorld['renewal'] {
    const simulation = this.#simulation;
    const nameOf = (request: Readonly<Record<string, unknown>>) => simulation.nameOf(String(request['secretId']));
    return {
      ask: (request) =>
        within(policy, 'invoke', async () => {
          let answer: Promise<FunctionAnswer> | undefined;
          await simulation.call(task, 'invoke', nameOf(request), async () => {
            answer = this.#functions.invoke(request);
          });
          return task.waitingFor(async () => answer ?? { kind: 'failed', errorType: 'Unknown', message: '' });
        }),
      start: (request) =>
        within(policy, 'start', () =>
          simulation.call(task, 'invoke', nameOf(request), async () => void this.#functions.invoke(request)),
        ),
    };
  }
}

function keeperOf(simulation: Simulation, task: Task, policy: CallPolicy): DeclarationKeeper {
  const { declarations } = simulation;
  const { keeper } = declarations;
  return {
    read: (name) =>
      within(policy, 'find', () =>
        simulation.call(task, 'parameter', name, async () => {
          const text = await keeper.read(name);
          if (text !== undefined) task.invocation.declaring.set(name, text);
          return text;
        }),
      ),
    write: (name, text) =>
      within(policy, 'declare', () =>
        simulation.call(task, 'write parameter', name, async () => {
          await keeper.write(name, text);
          declarations.changed(name, text);
          task.invocation.declaring.set(name, text);
        }),
      ),
    remove: (name) =>
      within(policy, 'declare', () =>
        simulation.call(task, 'remove parameter', name, async () => {
          const isThere = await keeper.remove(name);
          if (isThere) declarations.changed(name, undefined);
          return isThere;
        }),
      ),
  };
}
