import { Component, type ComponentChildren } from 'preact'
import { ErrorLine } from './basics'
import { linkTo } from './place'

/** Tells an error of the page within it, which else would leave nothing on the screen. */
export class Boundary extends Component<{ children: ComponentChildren }, { error: Error | null }> {
  override state = { error: null }

  static override getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }

  override render() {
    if (this.state.error === null) return this.props.children
    return (
      <>
        <h1>This page failed</h1>
        <ErrorLine error={this.state.error} />
        <p class="row">
          <button type="button" onClick={() => this.setState({ error: null })}>
            Try again
          </button>
          <a href={linkTo([])}>Back to the overview</a>
        </p>
      </>
    )
  }
}
