/** Thrown when another thread of this process must answer. It is no failure, and no caller sees it. */
export class AnsweredByAnotherThread extends Error {
  override readonly name = 'AnsweredByAnotherThread'

  constructor() {
    super('another thread must answer')
  }
}
