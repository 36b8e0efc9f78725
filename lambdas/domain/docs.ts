/** Addresses of the documents, for messages, alarms, e-mails and pages. */
const folder = 'https://github.com/cert-renewer/cert-renewer/blob/main/docs';

/** Returns the address of a page below docs/, and of one of its headings. */
export function docs(page: string, heading?: string): string {
  return `${folder}/${page}${heading === undefined ? '' : `#${heading}`}`;
}
