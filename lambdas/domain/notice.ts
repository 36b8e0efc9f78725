/** What people are told by e-mail. */
export interface Notice {
  /** ASCII, less than 100 characters: what SNS takes. */
  readonly subject: string;
  /** Lines of text. It holds nothing of a secret's value. */
  readonly text: string;
}

/** An SNS topic. Throws AccessDenied, Throttled, InvalidRequest, Internal. */
export interface NoticeTopic {
  publish(notice: Notice): Promise<void>;
}
