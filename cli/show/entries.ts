/** What `status <name>` prints: groups of labels and values. Pure. */
import { count } from '../../lambdas/domain/count.ts';
import { isErrorCode } from '../../lambdas/domain/errors.ts';
import { formatInstant, type Instant, parseInstant } from '../../lambdas/domain/instant.ts';
import type { SettingSource } from '../../lambdas/domain/settings.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { Cause, Next } from '../../lambdas/inventory/cause.ts';
import { relative, span, stateWords } from '../../lambdas/inventory/words.ts';
import { isAuthorityProfile } from '../../lambdas/policy/authority-profile.ts';
import { type ShownOrder, shownOrder } from '../../lambdas/policy/shown-order.ts';
import type { ShownCertificate } from '../../lambdas/renewal/entry/show.ts';
import { inFlags } from '../flags.ts';
import { styleOf } from '../row.ts';
import type { Style } from '../terminal.ts';
import type { Facts } from './facts.ts';
import type { Entry, Group, Value } from './layout.ts';
import { foundNow, tagOf, validityOf, type WindowFacts, windowOf } from './outlook.ts';
import { endpoints } from './serving.ts';
import { versionsIn } from './versions.ts';

/** Returns the groups, those that need a person first. */
export function entriesOf(facts: Facts, cause: Cause | undefined, next: Next | undefined): readonly Group[] {
  return [
    identity(facts),
    trouble(facts, cause),
    certificate(facts.shown?.certificate ?? undefined),
    times(facts),
    declaration(facts),
    versions(facts),
    order(facts),
    endpoints(facts),
    facts.notShown.map(({ part, reason }) => entry('Not shown', `${part}: ${reason}`, 'dim')),
    next
      ? [{ label: 'Next', values: [{ text: next.command, style: 'bold', isCommand: true }, { text: `to ${next.to}` }] }]
      : [],
  ];
}

const entry = (label: string, text: string, style?: Style): Entry => ({ label, values: [{ text, style }] });
const list = (label: string, texts: readonly string[]): Entry[] =>
  texts.length === 0 ? [] : [{ label, values: texts.map((text) => ({ text })) }];
const maybe = (label: string, text: string | null | undefined, style?: Style): Entry[] =>
  text === undefined || text === null ? [] : [entry(label, text, style)];

/** Formats a time with its distance: `2026-11-22T08:00:00Z, 4h ago`. */
const when = (at: Instant, now: Instant): string => `${formatInstant(at)}, ${relative(at, now)}`;

function identity({ row, shown, refusal }: Facts): Group {
  const { code, message } = shown && row.reason.code === 'Unknown' ? shown.decision : row.reason;
  const isSaidBelow = code === 'NotDue' || code === 'BackingOff' || row.failure?.code === code;
  const isOutdated = code === 'Unknown' && refusal !== undefined;
  return [
    entry('Name', row.name, 'bold'),
    entry('ARN', row.secretArn),
    entry('Profile', row.profile),
    entry('State', stateWords(row), styleOf(row.state)),
    ...(isSaidBelow || isOutdated
      ? []
      : [entry('Reason', inFlags(isErrorCode(code) ? `${code}: ${message}` : message))]),
  ];
}

function trouble(facts: Facts, cause: Cause | undefined): Group {
  const { row, now, message } = facts;
  const { failure } = row;
  const found = foundNow(facts);
  return [
    ...(failure ? [entry('Failure', failureText(failure, now), 'red'), ...maybe('Message', message)] : []),
    ...(failure
      ? [entry('Next try', row.wait ? 'waits for the CA: see Order' : nextTryText(failure.nextTry, now))]
      : []),
    ...(found ? [entry('Now', `${found.code}: ${found.message}`, 'red')] : []),
    ...(cause ? [entry('Cause', cause.means), entry('To do', cause.fix), entry('Docs', cause.link)] : []),
  ];
}

function failureText({ code, count: tries, at }: NonNullable<Facts['row']['failure']>, now: Instant): string {
  return at === undefined ? code : `${code}, ${count(tries, 'try', 'tries')}, the last at ${when(at, now)}`;
}

function nextTryText(at: Instant | undefined, now: Instant): string {
  if (at === undefined) return 'none before the tag is corrected';
  return at <= now ? 'with the next scan' : `with the first scan after ${when(at, now)}`;
}

function certificate(found: ShownCertificate | undefined): Group {
  if (found === undefined) return [];
  const { subject, sans, issuer, keyAlgorithm, keyIn, serialNumber, fingerprintSha256, chain } = found;
  const places = { secret: '', kms: ', in KMS', ca: ', at the CA' } as const;
  return [
    entry('Subject', subject === '' ? '(empty)' : subject),
    ...list('SANs', sans),
    entry('Issuer', issuer),
    ...list(
      'Chain',
      chain.map((above) => `${above.subject}, until ${above.notAfter}`),
    ),
    entry('Key', `${keyAlgorithm ?? '(of another kind)'}${places[keyIn]}`),
    entry('Serial', serialNumber),
    entry('SHA-256', fingerprintSha256),
  ];
}

function times(facts: Facts): Group {
  const { now, shown, settings } = facts;
  const validity = validityOf(facts);
  const leafEnd = shown?.certificate && parseInstant(shown.certificate.notAfter);
  const end = leafEnd ?? validity?.end;
  const window = windowOf(facts);
  return [
    ...(validity ? [entry('Not before', when(validity.notBefore, now))] : []),
    ...(end === undefined ? [] : [entry('Not after', when(end, now), end <= now ? 'red' : undefined)]),
    ...(validity && shown?.certificate?.endsWith === 'chain'
      ? [entry('Chain ends', when(validity.end, now), validity.end <= now ? 'red' : undefined)]
      : []),
    ...(window?.renewAt === undefined ? [] : [entry('Renews', renewsText(window.renewAt, window.isSuggested, facts))]),
    ...(window ? [entry('Window', windowText(window, facts))] : []),
    ...(settings ? [entry('Mode', `${settings.mode}${setBy(settings.modeSource, tags.mode, facts)}`)] : []),
    ...(window?.warnings ?? []).map(({ code, message }) => entry('Warning', `${code}: ${message}`, 'yellow')),
  ];
}

function renewsText(at: Instant, isSuggested: boolean, { now, row }: Facts): string {
  const isPaused = row.states.includes('paused');
  const by = isSuggested ? ', as the CA suggests' : '';
  if (at > now) return `${when(at, now)}${by}${isPaused ? ', unless it is still paused then' : ''}`;
  return `due since ${when(at, now)}${by}${isPaused ? '; not while it is paused' : ''}`;
}

/** `8h before it expires, and 12m earlier by jitter; set by the tag cert-renewer:expires-in` */
function windowText({ kind, set, source, length, jitter }: WindowFacts, facts: Facts): string {
  const share = set === null ? 'a third of the validity' : set.replace(/%$|pct$/, '% of the validity');
  const isShare = set === null || /[%t]$/.test(set);
  const text = isShare && length !== undefined ? `${share} (${span(length)})` : share;
  const side = kind === 'expiresIn' ? 'before it expires' : 'after notBefore';
  const earlier = jitter === undefined || jitter < 1_000 ? '' : `, ${span(jitter)} earlier by jitter`;
  return `${text} ${side}${earlier}${setBy(source, tagOf[kind], facts)}`;
}

function setBy(source: SettingSource, tag: string, { row }: Facts): string {
  switch (source) {
    case 'tag':
      return `; set by the tag ${tag}`;
    case 'profile':
      // An authority has no profile of the configuration.
      return isAuthorityProfile(row.profile) ? '' : `; set by the profile ${row.profile}`;
    case 'request':
      return '; set by the request';
    case 'default':
      return ' (the default)';
  }
}

function declaration({ shown }: Facts): Group {
  const declared = shown?.declaration;
  if (!declared) return [];
  const { names, usages, subject, duration, keyAlgorithm, kmsKeyId, differences, isMet } = declared;
  const key = kmsKeyId === null ? keyAlgorithm : `${kmsKeyId}, in KMS`;
  const isThere = shown.certificate !== null;
  const same = isMet
    ? 'none'
    : 'none in names, usages and key: its duration, its profile or its CA has changed, or another writer wrote it';
  return [
    ...list('Declared', [...(subject === null ? [] : [subject]), ...names]),
    entry('Usages', usages.join(', ')),
    ...maybe('Duration', duration),
    ...maybe('Key type', key),
    ...(isThere && differences.length === 0 ? [entry('Difference', same, isMet ? undefined : 'yellow')] : []),
    ...(differences.length > 0
      ? [
          {
            label: 'Difference',
            values: differences.map((text): Value => ({ text, style: isMet ? undefined : 'yellow' })),
          },
        ]
      : []),
  ];
}

function versions(facts: Facts): Group {
  const { now } = facts;
  return versionsIn(facts).map(({ label, versionId, others, dates }) => {
    const { createdAt, lastReadOn } = dates ?? {};
    const words = [
      ...(createdAt === undefined ? [] : [`written ${when(createdAt, now)}`]),
      ...(lastReadOn === undefined ? [] : [`last read on ${formatInstant(lastReadOn).slice(0, 10)}`]),
      ...(others.length === 0 ? [] : [`also ${others.join(', ')}`]),
    ];
    return { label, values: [{ text: versionId }, ...(words.length === 0 ? [] : [{ text: words.join('; ') }])] };
  });
}

/** The order at a CA that answers later, by label, id and tag. Nothing for other CAs. */
function order({ secret, now }: Facts): Group {
  const found = shownOrder(secret, now);
  if (found === null) return [];
  const { number, since, again, notBefore } = found;
  const which = number !== null && number > 1 ? `number ${number} for the current version: ` : '';
  const times = [
    ['Waits since', since],
    ['Next look', again],
    // A queue delays a message by 15 minutes at most, so a look may come before the CA is to be asked.
    ['CA asked', notBefore === again ? null : notBefore],
  ] as const;
  return [
    entry('Order', `${which}${stageText(found)}`),
    ...times.flatMap(([label, time]) => {
      const at = time === null ? undefined : parseInstant(time);
      return at === undefined ? [] : [entry(label, when(at, now))];
    }),
  ];
}

function stageText({ stage }: ShownOrder): string {
  switch (stage) {
    case 'claim':
      return 'a worker has begun to place it';
    case 'order':
      return 'the CA has accepted it, and has not issued yet';
    case 'ended':
      return 'it has ended; the next try places another';
    case null:
      return 'there is no order yet: the CA takes none for now';
  }
}
