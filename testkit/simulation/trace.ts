/** The story of an episode: a fingerprint that is equal for equal stories, and the text on request. */
export interface Line {
  readonly at: number;
  readonly who: string;
  readonly what: string;
  /** The secrets of the line. */
  readonly about: readonly string[];
}

export class Trace {
  readonly lines: Line[] | undefined;
  #hash = 0x811c9dc5;

  constructor(keepsLines: boolean) {
    this.lines = keepsLines ? [] : undefined;
  }

  note(at: number, who: string, what: string, about: readonly string[] = []): void {
    this.#mix(at);
    this.#mixText(who);
    this.#mixText(what);
    for (const name of about) this.#mixText(name);
    this.lines?.push({ at, who, what, about });
  }

  get fingerprint(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  #mix(number: number): void {
    this.#hash = Math.imul(this.#hash ^ (number % 4_294_967_291), 0x01000193);
  }

  #mixText(text: string): void {
    for (let at = 0; at < text.length; at++) this.#hash = Math.imul(this.#hash ^ text.charCodeAt(at), 0x01000193);
  }
}
