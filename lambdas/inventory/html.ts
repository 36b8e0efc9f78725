/** Text of unknown origin in HTML: names, subjects and tags may hold anything. */

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Characters that show as nothing, or turn the text around them: control characters, and Unicode's bidirectional ones. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to be shown
const invisible = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** The invisible ones by their names, so that no text can pass for another. */
export function visible(text: string): string {
  return text.replace(invisible, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** For an element's content, or an attribute in quotes. */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"'`]/g, (found) => entities[found] ?? '');
}

/** A value as JSON for the content of a script element (HTML 4.12.1.3): nothing in it ends the element. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (found) => {
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
