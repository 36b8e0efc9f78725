/** Judges a command of the AWS CLI: it must work with version 1 and with version 2 (docs/invoke.md). */

/** Options, values and commands that only version 2 has, or only version 1. */
const oneVersion: readonly RegExp[] = [
  / --cli-binary-format\b/,
  / --(?:no-)?cli-auto-prompt\b/,
  / --no-cli-pager\b/,
  / --output (?:yaml|yaml-stream|off)\b/,
  /\baws (?:sso|ddb|logs tail|cli-dev|history show|login)\b/,
  /\baws configure (?:sso|import|list-profiles|wizard)\b/,
  /\baws \S+ wizard\b/,
  /\baws ecr get-login\b(?!-)/,
];

/** Options whose value is binary. Only `fileb://` means the same in both versions. */
const binary =
  / --(?:payload|secret-binary|plaintext|ciphertext-blob|zip-file|public-key|signature)[ =](?!fileb:\/\/)\S+/g;

/** Returns what would not work in one of the versions; nothing for a good command. */
export function onlyInOneVersion(command: string): readonly string[] {
  const line = ` ${command}`;
  return [...oneVersion.flatMap((pattern) => line.match(pattern)?.[0] ?? []), ...(line.match(binary) ?? [])].map(
    (found) => found.trim(),
  );
}
