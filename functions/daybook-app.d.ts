/** The user's app: the construct bundles its module in this place (an esbuild alias). */
declare module 'daybook:app' {
  import type { AppDefinition } from 'daybook';

  const app: AppDefinition;
  export default app;
}
