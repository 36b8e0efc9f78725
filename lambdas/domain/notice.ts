/** An e-mail. */
export interface Notice {
  /** ASCII, fewer than 100 characters: the limit of SNS. */
  readonly subject: string;
  /** Lines of text. Contains nothing of a secret's value. */
  readonly text: string;
}

/** An SNS topic. Throws AccessDenied, Throttled, InvalidRequest, Internal. */
export interface NoticeTopic {
  publish(notice: Notice): Promise<void>;
}
