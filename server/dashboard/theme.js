// Dark or light: as the system, until the user chooses here.

const KEY = 'proctor-theme';
const system = matchMedia('(prefers-color-scheme: light)');

function chosen() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    // A browser without storage follows the system.
    return null;
  }
}

// Calls `changed` after each change by the system.
export function watchTheme(changed) {
  const theme = chosen();
  if (theme === 'dark' || theme === 'light') {
    document.documentElement.dataset.theme = theme;
  }
  system.addEventListener('change', changed);
}

export function toggleTheme() {
  const {dataset} = document.documentElement;
  dataset.theme =
    (dataset.theme ?? (system.matches ? 'light' : 'dark')) === 'light' ? 'dark' : 'light';
  try {
    localStorage.setItem(KEY, dataset.theme);
  } catch {
    // Without storage, the choice lasts as long as the page.
  }
}
