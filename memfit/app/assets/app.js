// Redraws the model curves while a slider moves: numbers come end to end, the figures stand already.
window.dash_clientside = Object.assign({}, window.dash_clientside, {
  memfit: {
    draw: async function (curves) {
      if (!curves) { return window.dash_clientside.no_update; }
      const numbers = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
      const x = numbers(curves.x), y = numbers(curves.y);
      let at = 0;
      const jobs = [];
      curves.sizes.forEach((sizes, panel) => {
        const graph = document.querySelector('#fit-' + panel + ' .js-plotly-plot');
        const data = sizes.map((size) => {
          const one = {x: x.slice(at, at + size), y: y.slice(at, at + size)};
          at += size;
          return one;
        });
        if (!graph || !data.length) { return; }
        const lines = graph.data.map((trace, k) => trace.meta === 'model' ? k : -1).filter((k) => k >= 0);
        if (lines.length !== data.length) { return; }
        jobs.push(window.Plotly.animate(graph, {data: data, traces: lines},
          {mode: 'immediate', transition: {duration: 0}, frame: {duration: 0, redraw: false}}));
      });
      await Promise.allSettled(jobs);
      return performance.now();
    }
  }
});
