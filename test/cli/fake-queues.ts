/** Queues with messages, and moves of dead letters that end as a test wants. */
import type { Move, QueuedMessage, Queues } from '../../cli/aws/queues.ts';

export class FakeQueues implements Queues {
  readonly messages = new Map<string, QueuedMessage[]>();
  readonly purged: string[] = [];
  /** Messages that another reader holds, in every queue. */
  held = 0;
  /** The looks at a move that starts, in order. The last one stays. */
  moves: readonly Partial<Move>[] = [];
  /** The move that was started last, before the command. */
  before: Move | undefined;
  refusal: Error | undefined;
  started = 0;
  #looks = 0;

  add(queueUrl: string, body: unknown, attributes: Readonly<Record<string, string>> = {}): void {
    const messages = this.messages.get(queueUrl) ?? [];
    const id = String(messages.length);
    messages.push({ id, body: JSON.stringify(body), sentAt: 0, attributes: new Map(Object.entries(attributes)) });
    this.messages.set(queueUrl, messages);
  }

  async depth(queueUrl: string) {
    const name = queueUrl.split('/').at(-1);
    return { arn: `arn:${name}`, waiting: this.messages.get(queueUrl)?.length ?? 0, held: this.held };
  }

  async read(queueUrl: string, most: number) {
    return (this.messages.get(queueUrl) ?? []).slice(0, most);
  }

  async purge(queueUrl: string): Promise<void> {
    this.purged.push(queueUrl);
    this.messages.delete(queueUrl);
  }

  async startMove(): Promise<void> {
    if (this.refusal) throw this.refusal;
    this.started += 1;
  }

  async lastMove(): Promise<Move | undefined> {
    const isJoined = this.before?.status === 'RUNNING' && this.#looks++ > 0;
    if (this.started === 0 && !isJoined) return this.before;
    const [look, ...later] = this.moves;
    if (later.length > 0) this.moves = later;
    if (look === undefined) return this.before;
    if (look.status === 'COMPLETED') for (const messages of this.messages.values()) messages.splice(0, look.moved);
    return { status: 'RUNNING', startedAt: 1, moved: 0, toMove: undefined, failure: undefined, ...look };
  }
}
