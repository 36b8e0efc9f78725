/** What was made, so that it can be taken away again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText } from './outcome.ts';

interface Step {
  /** `role cert-renewer-check-1a2b3c4d-redriver` */
  readonly what: string;
  readonly undo: () => Promise<unknown>;
}

export interface Left {
  readonly what: string;
  readonly why: string;
}

const tries = 8;

export class Trail {
  private readonly steps: Step[] = [];

  /** To be called before the thing is made: a call whose answer is lost may have made it. */
  add(what: string, undo: () => Promise<unknown>): void {
    this.steps.push({ what, undo });
  }

  /** Takes away what was made, the last first, and tells what stayed. What is twice not there counts as taken away. */
  async undo(pause: number): Promise<readonly Left[]> {
    const left: Left[] = [];
    for (let step = this.steps.pop(); step; step = this.steps.pop()) {
      const why = await undone(step, pause);
      if (why !== undefined) left.push({ what: step.what, why });
    }
    return left;
  }
}

/**
 * Undefined where it is gone, else AWS's last answer. Tried again, since much of AWS learns late of what was deleted before, and
 * some of it late of what was made: that something is not there is believed the second time.
 */
async function undone({ undo }: Step, pause: number): Promise<string | undefined> {
  let isDoubted = true;
  for (let attempt = 1; ; attempt++) {
    try {
      await undo();
      return undefined;
    } catch (error) {
      if (isMissing(error)) {
        if (!isDoubted) return undefined;
        isDoubted = false;
      } else if (attempt >= tries) {
        return errorText(error);
      }
      await sleep(pause * attempt);
    }
  }
}

/** Each of AWS's services has a name of its own for "there is no such thing"; CloudFormation has none but its words. */
export function isMissing(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  if (/NotFound|NoSuchEntity|NonExistent|DoesNotExist/.test(thrown.name)) return true;
  return thrown.name === 'ValidationError' && thrown.message.includes('does not exist');
}
