"use strict";
// Values under the pointer, and a click that enlarges a figure. The report is complete without it.
(function () {
  function share(value, from, to) { return (value - from) / (to - from); }
  function along(part, limits, log) {
    if (!log) { return limits[0] + part * (limits[1] - limits[0]); }
    return Math.pow(10, Math.log10(limits[0]) + part * (Math.log10(limits[1]) - Math.log10(limits[0])));
  }
  function text(value) {
    var size = Math.abs(value);
    return (size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(3) : value.toPrecision(4)).replace("-", "−");
  }
  function found(svg, frames, event) {
    var box = svg.getBoundingClientRect();
    var x = share(event.clientX, box.left, box.right), y = share(event.clientY, box.bottom, box.top);
    return frames.map(function (f) {
      var across = share(x, f.box[0], f.box[2]), up = share(y, f.box[1], f.box[3]);
      if (across < 0 || across > 1 || up < 0 || up > 1) { return ""; }
      return f.x + " " + text(along(across, f.xlim, f.xlog)) + ", " + f.y + " " + text(along(up, f.ylim, f.ylog));
    }).join("");
  }
  document.querySelectorAll("svg[data-axes]").forEach(function (svg) {
    var frames = JSON.parse(svg.getAttribute("data-axes")), figure = svg.parentNode;
    var note = document.createElement("output");
    note.className = "readout";
    note.hidden = true;
    note.setAttribute("aria-hidden", "true");
    figure.appendChild(note);
    svg.addEventListener("pointermove", function (event) {
      var box = figure.getBoundingClientRect();
      note.textContent = found(svg, frames, event);
      note.hidden = !note.textContent;
      note.style.left = Math.min(event.clientX - box.left + 12, box.width - note.offsetWidth) + "px";
      note.style.top = event.clientY - box.top + 16 + "px";
    });
    svg.addEventListener("pointerleave", function () { note.hidden = true; });
    svg.addEventListener("click", function () { figure.classList.toggle("large"); });
  });
}());
