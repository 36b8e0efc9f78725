/** Where the behaviours are tried: an account and Region, names of their own, time limits, and the way back. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Credentials } from '@aws-sdk/client-sts';
import { Trail } from './trail.ts';

export interface Account {
  readonly id: string;
  readonly region: string;
  /** Another Region of the same partition; undefined where this script knows no other. */
  readonly secondRegion: string | undefined;
  /** `aws`, `aws-cn`, `aws-us-gov` */
  readonly partition: string;
  /** Who calls: an ARN. */
  readonly caller: string;
}

export interface Options {
  /** Where an e-mail may be sent to, which a person reads. */
  readonly email: string | undefined;
  /** Of instances on which `true` may be run. */
  readonly instanceTag: { readonly key: string; readonly value: string } | undefined;
  /** All time limits times this. */
  readonly patience: number;
}

/** Asks the person at the terminal; the answer without the end of its line. */
export type Ask = (question: string) => Promise<string>;

export type Kind = keyof typeof costs;

/** What one of a kind costs: estimates from AWS's price lists, for us-east-1, in US dollars. */
export const costs = {
  secret: '0.40 a month, by the hour; 0.05 for 10,000 calls',
  'KMS key': '1.00 a month, by the hour, until its deletion is asked for',
  queue: '0.40 for a million calls',
  topic: '0.50 for a million calls; e-mails 2.00 for 100,000',
  'event bus': '1.00 for a million events',
  rule: 'nothing',
  role: 'nothing',
  function: '0.20 for a million calls; here some ten of 5 seconds each with 128 MB',
  'log group': '0.50 for a gigabyte; here some lines',
  stack: 'nothing but what is in it',
  alarm: '0.10 a month and metric, by the hour',
  dashboard: '3.00 a month beyond the first three of the account, by the hour',
} as const;

/** A thing that a group makes: its kind, and the last part of its name. */
export interface Made {
  readonly kind: Kind;
  readonly part: string;
}

interface ClientConfiguration {
  readonly region: string;
  readonly maxAttempts: number;
  readonly credentials?: SessionCredentials;
}

export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface RoomProps {
  readonly account: Account;
  readonly options: Options;
  /** `cert-renewer-check-<8 hex>`: the beginning of every name. */
  readonly prefix: string;
  /** What was told that would be made; nothing else is. */
  readonly makes: readonly Made[];
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly ask: Ask;
}

/** One group of behaviours has one; the groups run side by side. */
export class Room {
  readonly account: Account;
  readonly options: Options;
  readonly ask: Ask;
  readonly trail = new Trail();
  private readonly props: RoomProps;

  constructor(props: RoomProps) {
    this.props = props;
    this.account = props.account;
    this.options = props.options;
    this.ask = props.ask;
  }

  /** The name of what was told as `part`. */
  name(part: string): string {
    return `${this.props.prefix}-${part}`;
  }

  /** `arn:<partition>:<service>:<region>:<account>:<rest>`; those of IAM and STS have no Region. */
  arn(service: string, rest: string): string {
    const { partition, region, id } = this.account;
    return `arn:${partition}:${service}:${['iam', 'sts'].includes(service) ? '' : region}:${id}:${rest}`;
  }

  /** A client of the SDK as the caller, or with a role's credentials. Credentials and endpoint are the SDK's own to find. */
  client<T>(
    Client: new (configuration: ClientConfiguration) => T,
    { credentials, region = this.account.region }: { credentials?: SessionCredentials; region?: string } = {},
  ): T {
    return new Client({ region, maxAttempts: 5, ...(credentials && { credentials }) });
  }

  /**
   * Makes a thing under its own name, after writing down how it goes again: `undo` gets the name, and what `create` gave if
   * it came to that. Throws where it was not told before, and after Ctrl-C.
   */
  async make<T>(
    kind: Kind,
    part: string,
    create: (name: string) => Promise<T>,
    undo: (name: string, made: T | undefined) => Promise<unknown>,
  ): Promise<T> {
    if (!this.props.makes.some((made) => made.kind === kind && made.part === part)) {
      throw new Error(`the ${kind} ${part} was not told before: it belongs into the group's list`);
    }
    this.props.signal.throwIfAborted();
    const name = this.name(part);
    let creation: Promise<T> | undefined;
    // Where something beside it has failed, it may still be on its way.
    this.trail.add(`${kind} ${name}`, async () => undo(name, await creation?.catch(() => undefined)));
    creation = create(name);
    return creation;
  }

  /** Seconds into milliseconds, as patient as was asked for. */
  limit(seconds: number): number {
    return seconds * 1000 * this.options.patience;
  }

  /** Throws after Ctrl-C. */
  async pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.props.signal });
  }

  /** Asks until there is an answer; undefined after so many seconds. Throws after Ctrl-C, and what `ask` throws. */
  async until<T>(seconds: number, ask: () => Promise<T | undefined>): Promise<T | undefined> {
    const end = Date.now() + this.limit(seconds);
    for (;;) {
      const answer = await ask();
      if (answer !== undefined || Date.now() > end) return answer;
      await this.pause(Math.min(1000, this.limit(1)));
    }
  }

  /** The same for a call that AWS refuses until it has heard of a new role or policy. Throws the last refusal. */
  async untilTaken<T>(call: () => Promise<T>, isTooEarly: (thrown: unknown) => boolean, seconds = 60): Promise<T> {
    const end = Date.now() + this.limit(seconds);
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!isTooEarly(error) || Date.now() > end) throw error;
        await this.pause(Math.min(2000, this.limit(2)));
      }
    }
  }
}

/** Of AssumeRole's answer. */
export function sessionOf({ AccessKeyId, SecretAccessKey, SessionToken }: Partial<Credentials>): SessionCredentials {
  return { accessKeyId: AccessKeyId ?? '', secretAccessKey: SecretAccessKey ?? '', sessionToken: SessionToken ?? '' };
}
