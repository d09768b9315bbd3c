"""The joint fit: plan, guess, prediction, residuals, noise, minimisation, result, uncertainty."""
