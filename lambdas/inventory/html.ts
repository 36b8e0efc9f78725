/** Escapes untrusted text for HTML: names, subjects and tags may contain anything. */

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Characters that are invisible or change the direction of text: control and bidirectional characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are to be made visible
const invisible = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Writes invisible characters as escapes, so that no text looks like another. */
export function visible(text: string): string {
  return text.replace(invisible, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Escapes text for an element's content or a quoted attribute. */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"'`]/g, (found) => entities[found] ?? '');
}

/** Returns JSON for the content of a script element (HTML 4.12.1.3). Nothing in it can end the element. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (found) => {
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
