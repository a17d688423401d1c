/** Nothing went wrong: another thread of this process is to answer. No caller sees it. */
export class Elsewhere extends Error {
  override readonly name = 'Elsewhere'

  constructor() {
    super('another thread is to answer')
  }
}
