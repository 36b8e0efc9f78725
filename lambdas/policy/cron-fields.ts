/** Parses the fields of a cron expression. */

/** An invalid field. Its message is a part of a sentence. */
export class InvalidField extends Error {}

/** Returns whether the field matches a day. Arguments: day of the month, last day of that month, day of the week (1 = Sunday). */
export type DayRule = (dayOfMonth: number, lastOfMonth: number, dayOfWeek: number) => boolean;

const dayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const item = /^(?:(\*)|([0-9A-Z]{1,4})(?:-([0-9A-Z]{1,4}))?)(?:\/(\d{1,4}))?$/;

/**
 * Returns the values of `*`, `5`, `1-5`, `0/15`, `1-20/5` and of lists of these, sorted and without duplicates. `names` are the
 * names of `least`, `least + 1`, …. Throws InvalidField.
 */
export function fieldValues(
  text: string,
  field: string,
  least: number,
  most: number,
  names: readonly string[] = [],
): readonly number[] {
  const fail = (part: string) =>
    new InvalidField(
      `${field} is ${part === '' ? 'empty' : part.slice(0, 20)}, but only values from ${least} to ${most}, *, ranges, lists and steps are allowed`,
    );
  const number = (word: string): number => {
    const named = names.indexOf(word.toUpperCase());
    const value = named >= 0 ? named + least : /^\d+$/.test(word) ? Number(word) : Number.NaN;
    if (!(value >= least && value <= most)) throw fail(word);
    return value;
  };
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [whole, star, fromText = '', toText, stepText] = item.exec(part.toUpperCase()) ?? [];
    if (whole === undefined || stepText === '0') throw fail(part);
    const from = star ? least : number(fromText);
    const to = toText !== undefined ? number(toText) : star || stepText !== undefined ? most : from;
    if (to < from) throw fail(part);
    for (let value = from; value <= to; value += Number(stepText ?? 1)) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

/** Parses numbers, `L` (the last day of the month) and `15W` (the weekday nearest to the 15th, in the same month). */
export function dayOfMonthRule(text: string): DayRule {
  return anyOf(text, (part) => {
    if (part === 'L') return (dayOfMonth, last) => dayOfMonth === last;
    const near = /^(\d{1,2})W$/.exec(part)?.[1];
    if (near === undefined) return among(fieldValues(part, 'day-of-month', 1, 31), (dayOfMonth) => dayOfMonth);
    const [target = 1] = fieldValues(near, 'day-of-month', 1, 31);
    return (dayOfMonth, last, dayOfWeek) =>
      target <= last && dayOfMonth === nearestWeekday(target, last, dayOfMonth, dayOfWeek);
  });
}

/** Parses numbers and names, `L` (Saturday), `6L` (the month's last Friday) and `6#3` (its third Friday). */
export function dayOfWeekRule(text: string): DayRule {
  return anyOf(text, (part) => {
    if (part === 'L') return (_dayOfMonth, _last, dayOfWeek) => dayOfWeek === 7;
    const [, name, which] = /^([0-9A-Z]{1,3})(L|#[1-5])$/.exec(part) ?? [];
    const days = fieldValues(name ?? part, 'day-of-week', 1, 7, dayNames);
    const onDay = among(days, (_dayOfMonth, _last, dayOfWeek) => dayOfWeek);
    if (which === undefined) return onDay;
    const inWeek: DayRule =
      which === 'L'
        ? (dayOfMonth, last) => dayOfMonth > last - 7
        : (dayOfMonth) => Math.ceil(dayOfMonth / 7) === Number(which.slice(1));
    return (...date) => onDay(...date) && inWeek(...date);
  });
}

function anyOf(text: string, ruleOf: (part: string) => DayRule): DayRule {
  const rules = text.toUpperCase().split(',').map(ruleOf);
  return (...date) => rules.some((rule) => rule(...date));
}

function among(values: readonly number[], of: (...date: Parameters<DayRule>) => number): DayRule {
  const set = new Set(values);
  return (...date) => set.has(of(...date));
}

/** Returns the day of the month that `15W` means. `dayOfMonth` and `dayOfWeek` are any day of that month. */
function nearestWeekday(target: number, last: number, dayOfMonth: number, dayOfWeek: number): number {
  const weekday = (((dayOfWeek - 1 + target - dayOfMonth) % 7) + 7) % 7; // 0 = Sunday
  if (weekday === 6) return target === 1 ? 3 : target - 1;
  if (weekday === 0) return target === last ? target - 2 : target + 1;
  return target;
}
