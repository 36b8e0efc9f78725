/** The servers of an episode, as data. */

/** Milliseconds after the start of the episode. */
interface Spell {
  readonly at: number;
  readonly until: number;
}

/** A server at one address, port 443. */
export interface ServerPlan {
  readonly secret: string;
  readonly address: string;
  /** Milliseconds from a new version to its reload. Undefined: it never does so itself. */
  readonly reloadsAfter: number | undefined;
  /** When an operator reloads it. Milliseconds after the start. */
  readonly reloads: readonly number[];
  /** When it loads its first certificate again, as a server from an old image does. Milliseconds after the start. */
  readonly relapses: readonly number[];
  /** When it does not answer. It loads the certificate when it comes back. */
  readonly down: readonly Spell[];
}

export interface ServingPlan {
  /** `probe.within` of all profiles. */
  readonly within: number;
  readonly servers: readonly ServerPlan[];
}

export const probeAllow = ['dns:svc.example', 'ip:10.0.0.0/8'] as const;

/** The name of a secret's servers. */
export const hostOf = (secret: string): string => `${secret.replace('/', '-')}.svc.example`;
/** An allowed name that leads to instance metadata, and to this machine. */
export const hostileHost = 'hostile.svc.example';
