/**
 * Texts of the engines' errors, without the store's answers. In an answer stores repeat parts of the request: the id of
 * a key, a token, the signed text. Messages and logs show the status, and the store's code of the error.
 */
const ANSWER = /(\bstatus(?: code)?:? \d{3}\b(?: Not Found\b)?|\berror response\b)[\s\S]*/i
const REASON_CHARS = 200

/** Whether the text of an engine's error has the answer of a store behind its status. */
export const hasAnswer = (text: string) => text !== withoutAnswer(text)

/** The text of an error of SlateDB or Lance, up to the status that a store answered with. */
export const withoutAnswer = (text: string) => text.replace(ANSWER, '$1')

/**
 * Why OpenDAL failed. Its texts have the form `Kind at action, context: { the request } => reason`. Where a store has
 * answered, the context has the headers, and the reason is the body. Otherwise the source may quote unreadable text.
 */
export function requestFailure(text: string): string {
  const [context = '', reason = ''] = text.split(' => ')
  const status = /\bresponse: Parts \{ status: (\d{3})/.exec(context)?.[1]
  if (status !== undefined) {
    const code = /^S3Error \{ code: "(\w{1,64})"/.exec(reason)?.[1]
    return code === undefined ? `status ${status}` : `status ${status}, ${code}`
  }
  return reason
    .replace(/, source: [\s\S]*/, '')
    .replace(/(["'])[\s\S]*\1/, '$1…$1')
    .slice(0, REASON_CHARS)
}
