/** Thrown when another thread of this process must answer. It is no failure, and no caller sees it. */
export class Elsewhere extends Error {
  override readonly name = 'Elsewhere'

  constructor() {
    super('another thread must answer')
  }
}
