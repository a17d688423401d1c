/** Why a row is no JSON, in words for a person. */
import { JsonTextError, parseText } from './json-text'

/** A longer row that is no JSON keeps the words of the service. */
const MOST_PARSED_CHARS = 1024 * 1024

/** Why a text is no JSON, and where. The service tells the place alone: its answers and logs have nothing of the row. */
export function causeOf(text: string): string | undefined {
  if (text.length > MOST_PARSED_CHARS) return undefined
  try {
    parseText(text)
    return undefined
  } catch (error) {
    // A row that is nested too deep for this parser keeps the words of the service.
    if (!(error instanceof JsonTextError)) return undefined
    const isShort = error.at >= text.trimEnd().length
    const [expected = ''] = error.message.split(' before the end')
    return isShort ? `no JSON: it ends in the middle, ${expected}` : `no JSON at character ${error.at + 1}: ${expected}`
  }
}
