/** Records created resources, so that they can be deleted. */
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

  /** Must be called before the resource is created, because a call whose answer is lost may have created it. */
  add(what: string, undo: () => Promise<unknown>): void {
    this.steps.push({ what, undo });
  }

  /** Deletes the resources, the last one first, and returns those that remain. A resource that was not found twice counts as deleted. */
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
 * Returns undefined when the resource is gone, else AWS's last answer. It tries several times, because AWS's services see earlier
 * deletions late, and some see a creation late. So "not found" counts only the second time.
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

/** Each service of AWS has its own error name for "not found". CloudFormation has only a message. */
export function isMissing(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  if (/NotFound|NoSuchEntity|NonExistent|DoesNotExist/.test(thrown.name)) return true;
  return thrown.name === 'ValidationError' && thrown.message.includes('does not exist');
}
