/** docs/invoke.md against the code: every example is valid, every code and field has its line, and none too many. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isErrorCode } from '../../lambdas/domain/errors.ts';
import {
  onDemandSchema,
  parseOnDemandRequest,
  parseProbeRequest,
  parseScanRequest,
} from '../../lambdas/policy/request.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { show } from '../../lambdas/renewal/entry/show.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { ProbeScene } from '../probes/scene.ts';
import { issuing, start, World } from '../renewal/world.ts';
import { checkAnswer, isRequest } from '../support/answer.ts';

const page = readFileSync(new URL('../../docs/invoke.md', import.meta.url), 'utf8');

/** The JSON blocks of a kind, such as ```json request. */
function examples(kind: string): unknown[] {
  return [...page.matchAll(/^```json (\S+)\n([\s\S]*?)^```$/gm)].flatMap(([, name, text = '']) =>
    name === kind ? [JSON.parse(text)] : [],
  );
}

/** The first cells of the rows of the table that begins with this heading: each `name` in it, and the whole row. */
function rows(heading: string): Map<string, string> {
  const table = page.slice(page.indexOf(`\n| ${heading} |`)).split('\n\n')[0] ?? '';
  const lines = table.trim().split('\n').slice(2);
  return new Map(
    lines.flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => [name, line])),
  );
}

const sorted = (names: Iterable<string>): string[] => [...names].sort();

describe('docs/invoke.md', () => {
  it.each(examples('request').map((example) => [JSON.stringify(example), example]))('request %s', (_text, example) => {
    expect(() => parseOnDemandRequest(example)).not.toThrow();
    expect(isRequest(example)).toBe(true);
  });

  it.each(examples('scan-request').map((example) => [JSON.stringify(example), example]))(
    'scan %s',
    (_text, example) => {
      expect(() => parseScanRequest(example)).not.toThrow();
    },
  );

  it('shows each field of a request in some example', () => {
    const shown = new Set(examples('request').flatMap((example) => Object.keys(example as object)));
    expect(sorted(shown)).toEqual(sorted(Object.keys(onDemandSchema.shape)));
  });

  it('has a line for each field of a request, and no other', () => {
    const [renew, scanned] = page.split('\n## scan');
    expect(renew).toBeDefined();
    expect(sorted(rows('field').keys())).toEqual(sorted(Object.keys(onDemandSchema.shape)));
    for (const field of ['profile', 'secretIds', 'force', 'dryRun']) expect(scanned).toContain(`| \`${field}\` |`);
  });

  it('shows answers as they are', async () => {
    const world = new World();
    const real = await renewOnDemand(world, { secretId: world.enrol() });
    for (const answer of examples('answer')) {
      checkAnswer(answer);
      const { out: _, ...fields } = answer as Record<string, unknown>;
      expect(Object.keys(fields).sort()).toEqual(Object.keys(real).sort());
    }
    expect(examples('answer').length).toBeGreaterThanOrEqual(3);
    const answerTable = page.slice(page.indexOf('## renew: the answer'));
    for (const field of [...Object.keys(real), 'out']) expect(answerTable).toContain(`\`${field}\``);
  });

  it('shows the answer of a scan as it is', async () => {
    const world = new World();
    world.enrol();
    const real = await scan(world, { force: false, dryRun: true });
    const [example] = examples('scan-answer') as (typeof real)[];
    expect(Object.keys(example ?? {})).toEqual(Object.keys(real));
    for (const entry of example?.plan ?? []) expect(Object.keys(entry)).toEqual(Object.keys(real.plan[0] ?? {}));
    const { listed, enqueued, notDue, paused, backingOff, waiting, invalid } = example ?? real;
    expect(listed).toBe(enqueued + notDue + paused + backingOff + waiting + invalid);
  });

  it('shows requests to the probe and its answer as they are', async () => {
    for (const example of examples('probe-request')) expect(() => parseProbeRequest(example)).not.toThrow();
    const fields = new Set(examples('probe-request').flatMap((example) => Object.keys(example as object)));
    expect(sorted(fields)).toEqual(['due', 'secretIds']);
    const scene = new ProbeScene();
    const arn = scene.enrol();
    await scene.renew(arn);
    const real = await scene.probe({ secretIds: [arn], due: false });
    const [example] = examples('probe-answer') as (typeof real)[];
    const parts = ({ results: [one] = [], ...all }: typeof real) => [all, one, one?.endpoints[0]];
    expect(parts(example ?? real).map((part) => Object.keys(part ?? {}))).toEqual(
      parts(real).map((part) => Object.keys(part ?? {})),
    );
    const { listed, served, pending, notServed, skipped } = example ?? real;
    expect(listed).toBe(served + pending + notServed + skipped);
    expect(sorted(rows('field of the answer').keys())).toEqual(expect.arrayContaining(sorted(Object.keys(real))));
  });

  it('shows the answer about a secret as it is', async () => {
    const world = new World(issuing);
    const arn = await world.declareCertificate();
    await renewQueued(world, { secretArn: arn, versionId: world.versionOf(arn) }, 1, start);
    await world.declareCertificate({ dnsNames: ['web.svc.example', 'api.svc.example'] });
    const real = await show(world, arn);
    const [example] = examples('show-answer') as (typeof real)[];
    expect(example?.decision.code).toBe(real.decision.code);
    const parts = [real, real.certificate, real.certificate?.chain[0], real.declaration, real.decision];
    const told = [
      example,
      example?.certificate,
      example?.certificate?.chain[0],
      example?.declaration,
      example?.decision,
    ];
    expect(told.map((part) => Object.keys(part ?? {}))).toEqual(parts.map((part) => Object.keys(part ?? {})));
    expect(sorted(rows('show field').keys())).toEqual(sorted(Object.keys(real)));
  });

  it('shows errors of the table', () => {
    for (const example of examples('error')) {
      const { errorType, errorMessage } = example as Record<string, string>;
      expect(isErrorCode(errorType ?? '')).toBe(true);
      expect(errorMessage?.length).toBeGreaterThan(20);
    }
    expect(examples('error').length).toBeGreaterThan(0);
  });
});
