/** The words of the command line for the fields of a request, in messages that the functions write for any caller. */

/** Fields that the command line calls something else. */
const names: Readonly<Record<string, string>> = {
  ...{ dnsNames: '--dns', ipAddresses: '--ip', emails: '--email', uris: '--uri', usages: '--usage' },
  ...{ endpoints: '--endpoint', secretId: 'the name' },
};

/** Returns the option for a field of a request or of a declaration: `--expires-in`. */
export const flagOf = (field: string): string =>
  names[field] ?? `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The scan's messages are read in `plan` and `status`, which renew nothing: the command that does is named. */
const wordings: readonly (readonly [RegExp, string | ((whole: string, field: string) => string)])[] = [
  [/\bUse force to try now\./g, 'cert-renewer renew tries now.'],
  [/\bUse force to renew it anyway\./g, 'cert-renewer renew --force renews it anyway.'],
  [/(?<=\b[Uu]se )force\b/g, '--force'],
  [/\$\.([a-zA-Z]+)(?:\.[a-zA-Z]+)?/g, (_, field) => flagOf(field)],
  [/(?<![\w.$"-])(expiresIn|rekeyPeriod)\b/g, (_, field) => flagOf(field)],
  [/ See docs\/invoke\.md\.$/, ''],
];

/** Rewords a message of the functions for a terminal: `use --force`, `leave out --expires-in`. */
export function inFlags(message: string): string {
  return wordings.reduce(
    (text, [pattern, to]) => (typeof to === 'string' ? text.replace(pattern, to) : text.replace(pattern, to)),
    message,
  );
}

/** Rewords a message about tags for the options that set these tags. */
export const tagsInFlags = (message: string): string =>
  message.replaceAll('The tag ', '').replaceAll(/cert-renewer:([a-z-]+)/g, '--$1');
