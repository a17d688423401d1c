const ANSWER = /(\bstatus(?: code)?:? \d{3}\b)[\s\S]*/i

/** Whether the text of an engine's error has the answer of a store behind its status. */
export const hasAnswer = (text: string) => ANSWER.test(text)

/**
 * The text of an engine's error, up to the status that a store answered with. Behind it stands the answer's body, in which
 * stores repeat parts of the request: the id of a key, a token, the text that was signed.
 */
export const withoutAnswer = (text: string) => text.replace(ANSWER, '$1')
